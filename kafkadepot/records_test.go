package kafkadepot

import "testing"

// What is given back is found again by batches of about its size, and what nobody asks
// for any more does not take the room of what they do.
func TestRecordPool(t *testing.T) {
	t.Parallel()
	p := newRecordPool()
	first := p.GetRecords(9000)
	p.PutRecords(first)
	if again := p.GetRecords(8990); cap(again) != cap(first) || p.room != 0 {
		t.Errorf("a batch of 8,990 records got room for %d, where one of 9,000 had room for %d; %d are spare", cap(again), cap(first), p.room)
	}
	for n := range 40 {
		if one := p.GetRecords(1); cap(one) != 1 {
			t.Fatalf("batch %d of one record got room for %d", n, cap(one))
		}
	}
	for range 2 * sparesMax / cap(first) {
		p.PutRecords(first[:0:cap(first)])
		if p.room > sparesMax {
			t.Fatalf("memory for %d records is kept, and %d is the bound", p.room, sparesMax)
		}
	}
	p.PutRecords(p.GetRecords(2 * sparesMax))
	if p.room > sparesMax {
		t.Errorf("memory for %d records is kept, and %d is the bound", p.room, sparesMax)
	}
}

func TestRoomFor(t *testing.T) {
	t.Parallel()
	for n := 1; n < 100_000; n += 1 + n/50 {
		if room := roomFor(n); room < n || room > n+(n+3)/4 {
			t.Fatalf("%d records get room for %d", n, room)
		}
	}
}
