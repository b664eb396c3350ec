package module

import (
	"context"

	public "github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// The functions of this file are for front ends: packages, such as module/flow, that
// offer another way to write a topology and declare sources and steps with it.

// Front is what a front end says to the topology that it declares for.
type Front struct{ s *Stream }

// FrontOf returns the front of a topology.
func FrontOf(of Topology) Front { return Front{of.topology()} }

// Plan is the topology's, as far as it is declared.
func (f Front) Plan() *StreamPlan { return f.s.plan }

// Stream is the topology if it is a stream, else nil.
func (f Front) Stream() *Stream {
	if f.s.plan.Microbatch {
		return nil
	}
	return f.s
}

// Declare runs declarations that a line of the user's source asks for: their mistakes
// name it.
func (f Front) Declare(line string, declare func()) {
	before := f.s.b.where
	f.s.b.where = line
	declare()
	f.s.b.where = before
}

// Mistake adds one to those of the module.
func (f Front) Mistake(thing, text, mend string) { f.s.b.mistake(thing, text, mend) }

// Check does something when everything of the module is declared.
func (f Front) Check(check func()) { f.s.b.check(check) }

// Chosen is a placement for steps whose senders choose the task themselves (SendTo,
// SendAll). It is described when everything is declared; check, if it is not nil, says
// what is wrong then, and the mend.
func Chosen[T any](describe func() string, check func(Topology) (text, mend string)) Placement[T] {
	p := Stay[T]()
	p.describe = describe
	if check != nil {
		p.check = func(s *Stream) (string, string) { return check(s) }
	}
	return p
}

// Places finds the task of a key of a PState, as At does.
type Places[K any] struct {
	Place    func(ev *Event, key K) task.ID
	Describe func() string
	Check    func(Topology) (text, mend string)
}

// PlacesOf returns the Places of a PState that need not be declared yet; Check has to run
// before Place, when everything is declared.
func PlacesOf[K any, H pstate.Keyed[K]](h *H) Places[K] {
	place, describe, check := atKey[K](h)
	return Places[K]{
		Place:    func(ev *Event, key K) task.ID { return place(&ev.host, key) },
		Describe: describe,
		Check:    func(of Topology) (string, string) { return check(of.topology()) },
	}
}

// HashOf is the task that a key hashes to, as for ByHash. A key that cannot be hashed
// fails the event.
func HashOf[K any](ev *Event, key K) task.ID { return hashed(&ev.host, key) }

// KeyHash is the hash of a key's bytes, as of a record's: FNV-1a; 0 of none.
func KeyHash(key []byte) uint64 {
	if len(key) == 0 {
		return 0
	}
	h := uint64(14695981039346656037)
	for _, b := range key {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return max(h, 1)
}

// KeyHashOf is KeyHash of a key that ByHash or At places by; 0 of one that has no bytes.
func KeyHashOf[K any](ev *Event, key K) uint64 {
	bytes, err := task.AppendKey(ev.host.Scratch[:0], key)
	if err != nil {
		return 0
	}
	ev.host.Scratch = bytes
	return KeyHash(bytes)
}

// RecordKeyHash is KeyHash of the record's key, in its source's event.
func RecordKeyHash(ev *Event) uint64 {
	if ev.host.Record == nil {
		return 0
	}
	return KeyHash(ev.host.Record.Key)
}

// Overtime reports whether the event has run for longer than worker.event.target.max.millis.
func Overtime(ev *Event) bool { return ev.host.Overtime != nil && ev.host.Overtime() }

// Yield says that the event sends what is left of it to its own task, where events of the
// same key wait for it.
func Yield(ev *Event, key uint64) { ev.host.Yield(key) }

// ShuffledOf is the next task of a random round-robin, as for Shuffle.
func ShuffledOf(ev *Event) task.ID { return ev.host.Shuffled() }

// DeclareCallTo declares a call as DeclareCall does, whose result goes to a function, in
// the event that takes it. Codecs say how input and result are carried; default JSON.
func DeclareCallTo[In, Out any](s *Stream, c *Call[In], name string, f func(context.Context, In) (Out, error), called func(*Event, Out) error, codecs ...public.Codec) *StepPlan {
	declareCall(s, c, name, f, called, codecs...)
	return c.c.plan
}

// Placed is where a placement puts keys, for front ends that place what is no step; check has
// to run before it, when everything is declared.
func Placed[K any](at Placement[K]) (place func(ev *Event, key K) task.ID, check func(Topology) (text, mend string)) {
	check = func(of Topology) (string, string) {
		switch {
		case at.place == nil:
			return "has no placement", "say where it runs: module.AtKey or module.ByKey"
		case at.check != nil:
			return at.check(of.topology())
		}
		return "", ""
	}
	return func(ev *Event, key K) task.ID { return at.place(&ev.host, key) }, check
}

// QueryFront is the front of a query that a front end declares with DeclareQuery, and what
// places keys of its PStates, of whatever topology of the module. It declares no steps.
func QueryFront(b *Builder, name string) (Front, Topology) {
	s := &Stream{b: b, plan: &StreamPlan{ID: -1, Name: name}, asked: true}
	return Front{s}, s
}

// AskedEvent is an event for what a front end computes in a query: it has a task, or none, and
// reads what the run does.
func AskedEvent(a *Asked, id task.ID) *Event {
	ev := NewEvent()
	ev.host.Task, ev.host.Tasks, ev.host.View = id, a.tasks, a.view
	return ev
}
