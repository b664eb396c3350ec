package simulation

import (
	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/runtime"
)

// fifo checks that events of a topology from one owner to another run in the order in
// which they were sent: promise 0.12. An event is known by its place in its tree.
type fifo struct {
	sent map[place]sending
	ran  map[pair]uint64 // the last number that ran
	next map[int]uint64  // number of the next event that an owner sends
}

// place is an event in a tree. Trees of several attempts differ.
type place struct{ tree, seed uint64 }

// sending is an event on its way.
type sending struct {
	from   int // number of the owner's process
	number uint64
	again  bool
}

// yields reports whether events of a topology may give their task up: those of other keys
// come in between, and the workload sees to those of theirs.
func (w *world) yields(topology string) bool {
	for _, s := range w.plan.Streams {
		if s.Name == topology {
			return s.Yields
		}
	}
	return false
}

type pair struct {
	from, to int
	topology string
}

// reloaded forgets what an owner has run: of exactly-once topologies it runs again
// what it had not committed.
func (f *fifo) reloaded(o *owner) {
	for p := range f.ran {
		if p.to == o.number {
			delete(f.ran, p)
		}
	}
}

// ended takes in an event that a handler ran.
func (f *fifo) ended(w *world, o *owner, i *runtime.EventInfo) {
	if f.sent == nil {
		f.sent, f.ran, f.next = map[place]sending{}, map[pair]uint64{}, map[int]uint64{}
	}
	if s, ok := f.sent[place{i.Tree, i.Seed}]; ok && !s.again && !i.Root && !w.outside(i.Step) && !w.yields(i.Topology) {
		p := pair{s.from, o.number, i.Topology}
		if last := f.ran[p]; s.number < last {
			w.violate("%v ran %s of task %d offset %d, event %d of owner %d, behind event %d: out of order", o, i.Step, i.RootTask, i.Offset, s.number, s.from, last)
		}
		f.ran[p] = max(f.ran[p], s.number)
	}
	if i.Err != nil {
		return // it sent nothing
	}
	for child := range i.Children {
		f.next[o.number]++
		p := place{i.Tree, acker.Child(i.Seed, uint32(child))}
		if _, twice := f.sent[p]; twice {
			f.sent[p] = sending{again: true} // its sender lost the commit and ran again: which of the two arrives is not known
			continue
		}
		f.sent[p] = sending{from: o.number, number: f.next[o.number]}
	}
}
