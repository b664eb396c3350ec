package kafkadepot

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

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

// What the client has not emptied is emptied: it would keep what was fetched in memory.
func TestRecordPoolKeepsNoRecord(t *testing.T) {
	t.Parallel()
	p := newRecordPool()
	batch := p.GetRecords(3)[:3]
	batch[0] = kgo.Record{Topic: "clicks", Value: make([]byte, 1)}
	batch[1] = kgo.Record{Topic: "clicks", Value: make([]byte, 1)}
	p.PutRecords(batch[:0])
	for i, r := range p.GetRecords(3)[:3] {
		if r.Value != nil {
			t.Errorf("record %d still has its value", i)
		}
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

// What is held counts with all that it takes, headers too: they may be most of a record.
func TestBytesOfCountsHeaders(t *testing.T) {
	t.Parallel()
	bare := depot.MemoryBytes([]depot.Record{{Key: []byte("key"), Value: []byte("value")}})
	with := depot.MemoryBytes([]depot.Record{{Key: []byte("key"), Value: []byte("value"), Headers: []depot.Header{{Key: "trace", Value: make([]byte, 1<<20)}}}})
	if with < bare+1<<20+len("trace") {
		t.Errorf("a record with a header of 1 MiB is taken for %d bytes, one without for %d", with, bare)
	}
}
