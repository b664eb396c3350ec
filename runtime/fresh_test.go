package runtime_test

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// reading answers reads as a store that holds so many elements in each table, none of those
// that are asked for, and counts the rounds.
type reading struct {
	*instant
	holds  int
	rounds int
	gets   int
}

func (r *reading) feed(keys ...string) {
	var records []depot.Record
	for _, k := range keys {
		records = append(records, depot.Record{Key: []byte(k), Value: []byte(k), Offset: r.next})
		r.next++
	}
	var in runtime.Input = &runtime.Records{Depot: "texts", Generation: r.generation, Records: records}
	for in != nil {
		r.now++
		e := r.t.Step(r.now, in)
		in = nil
		switch {
		case e.Commit != nil:
			in = &done
		case len(e.Reads) > 0:
			r.rounds++
			for i := range e.Reads {
				switch e.Reads[i].Kind {
				case store.Len:
					e.Reads[i].Count = r.holds
				case store.Get:
					r.gets++
				}
			}
			in = &runtime.ReadDone{Reads: e.Reads}
		}
	}
}

func names(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", prefix, i))
	}
	return all
}

// A task whose slot holds nothing of a PState asks once, and then knows it all: keys that
// come later are new. Where the slot holds something, each key is asked for.
func TestAnEmptyTableIsNotReadAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		holds, rounds int
	}{{0, 1}, {1, 3}} {
		r := &reading{instant: newInstant(t, &counts{}), holds: c.holds}
		r.feed(names("first", 4)...)  // how many events a record sets off is to be found out
		r.feed(names("first", 10)...) // all that are new are asked for together
		r.feed(names("second", 10)...)
		r.feed(names("first", 10)...)
		if r.rounds != c.rounds {
			t.Errorf("a table that holds %d elements: %d rounds of reads, want %d", c.holds, r.rounds, c.rounds)
		}
	}
}

// What was evicted is in the store alone: it is read, and so are keys that were never seen.
func TestAnEmptyTableIsReadOnceItsElementsAreEvicted(t *testing.T) {
	t.Parallel()
	r := &reading{instant: newInstantWith(t, &counts{}, runtime.Options{CacheEntriesMax: 4})}
	r.feed(names("first", 10)...)
	r.feed(names("second", 10)...) // room is made when their batch is confirmed
	before := r.gets
	r.feed(names("first", 10)...)
	if r.gets == before {
		t.Error("elements that were evicted were not read")
	}
	before = r.gets
	r.feed(names("third", 10)...)
	if r.gets != before+10 {
		t.Errorf("%d of 10 keys were read that may be among those evicted", r.gets-before)
	}
}
