package host

import (
	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/task"
)

// Append is a record that an event appends to a depot, or to a topic outside of the
// module.
type Append struct {
	Depot     string
	Topic     string       // instead of Depot
	Partition task.ID      // of the depot; task.None for a topic
	Record    depot.Record // key, value and headers
	Unawaited bool         // the event's record does not wait for it
	Seed      uint64       // its place in the event tree
}

// Emit adds an append to those of the event, and returns how many bytes they have
// together. They leave after the commit of the event.
func (e *Event) Emit(a Append) (bytes int) {
	a.Seed = e.NextAppendSeed()
	e.appends = append(e.appends, a)
	e.appendBytes += depot.RecordBytes(&a.Record)
	return e.appendBytes
}

// NextAppendSeed is the seed of the event's next append, the same at each attempt.
// Appends count down where hops count up.
func (e *Event) NextAppendSeed() uint64 { return acker.Child(e.Seed, ^uint32(len(e.appends))) }

// Appends are those of the event so far.
func (e *Event) Appends() []Append { return e.appends }

// AwaitAppends has the event's tree wait for its appends: each is a child that ends
// when the log has it. A root event gets its tree, if it has none.
func (e *Event) AwaitAppends() {
	for i := range e.appends {
		if a := &e.appends[i]; !a.Unawaited {
			if e.Origin.Tree.ID == 0 {
				e.OpenTree(e)
			}
			e.delta ^= acker.EventID(e.Origin.Tree.ID, a.Seed)
		}
	}
}
