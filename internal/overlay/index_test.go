package overlay

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// An index holds what a map would, whatever the hashes: good ones, some that are all alike, and
// such that differ in a few bits only.
func TestIndex(t *testing.T) {
	t.Parallel()
	for name, unmarked := range map[string]func(string) uint64{
		"good":       hashOf,
		"alike":      func(string) uint64 { return 7 },
		"last bits":  func(field string) uint64 { return hashOf(field) & 0xff },
		"first bits": func(field string) uint64 { return hashOf(field) &^ (1<<52 - 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(5, 6))
			hash := func(field string) uint64 { return marked(unmarked(field), field) }
			var x index[int64]
			want := map[string]*Entry[int64]{}
			for range 20_000 {
				n := random.IntN(2000)
				field := fmt.Sprint(n) + strings.Repeat(" long", n%3*2) // a third is short
				switch e := want[field]; {
				case x.find(hash(field), field) != e:
					t.Fatalf("field %s: found another entry than was put in", field)
				case e == nil:
					e = newEntry[int64](field)
					want[field] = e
					x.add(hash(field), e)
				case random.IntN(3) == 0:
					delete(want, field)
					x.remove(hash(field), field)
				}
			}
			all := x.sorted()
			if len(all) != len(want) {
				t.Errorf("%d entries are listed, want %d", len(all), len(want))
			}
			for i, e := range all {
				if want[e.n.field] != e || i > 0 && all[i-1].n.field >= e.n.field {
					t.Errorf("entry %d, of field %s, is not the one that was put in, or not in its place", i, e.n.field)
				}
			}
		})
	}
}

// An entry of a number fills one line of memory, and a short field what is left of the next: reading
// more would cost every event as much as the rest of looking it up.
func TestAnEntryIsALine(t *testing.T) {
	t.Parallel()
	if n := unsafe.Sizeof(Entry[int64]{}); n > 64 {
		t.Errorf("an entry takes %d bytes, at most 64 are a line", n)
	}
	if n := unsafe.Sizeof(shortEntry[int64]{}); n > 80 {
		t.Errorf("an entry and its field take %d bytes", n)
	}
}

func BenchmarkIndex(b *testing.B) {
	const keys = 25_000
	var x index[int64]
	fields := make([]string, keys)
	for i := range fields {
		fields[i] = fmt.Sprintf("key-%08d", i)
		x.add(hashOf(fields[i]), newEntry[int64](fields[i]))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		field := fields[random.IntN(keys)]
		if x.find(hashOf(field), field) == nil {
			b.Fatal(field)
		}
	}
}
