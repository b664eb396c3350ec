package runtime

import (
	"errors"

	"github.com/coppice-run/coppice/internal/wire"
)

// Crash points: a task that ends as if its process had been killed, at a moment that
// a test or the simulation names. The engine stops there, and says so with
// Effects.Crash; its driver forgets it, and another owner begins.

// CrashPoint is a moment in the life of an event's batch.
type CrashPoint uint8

const (
	// AtOnce is when the task takes CrashAt, whatever it is at.
	AtOnce CrashPoint = iota
	// BeforeCommit is when the event has run and its batch would be sent: nothing of
	// the batch is ever in the store.
	BeforeCommit
	// AfterCommit is when the batch is in the store and nothing has left: no hop, no
	// ack, no answer to an appender.
	AfterCommit
	// BeforeAcks is when the hops to other tasks have left and the acks have not: the
	// children of the event run, and the tree's root never hears of the event's end. In
	// exactly-once topologies what goes to one task travels together: acks that go where
	// no hop goes have not left.
	BeforeAcks
)

func (p CrashPoint) String() string {
	return [...]string{"at once", "before the commit", "after the commit", "before the acks"}[p]
}

// CrashAt has the task crash.
type CrashAt struct {
	Point CrashPoint
	// When is asked about each event that ran without an error, inside of Step: true
	// names one at whose point the task crashes. It is asked again until the task has
	// crashed: the connection may break first, and the batch be gone. Not asked AtOnce.
	When func(EventInfo) bool
}

func (*CrashAt) input() {}

var errCrashed = errors.New("the task was told to crash")

func (t *Task) onCrashAt(in *CrashAt) {
	if in.Point == AtOnce {
		t.crash()
		return
	}
	t.crashes = append(t.crashes, in)
}

// expectCrash asks about an event that ran, if a crash is to come.
func (t *Task) expectCrash(it *item, err error) {
	if err != nil {
		return
	}
	for _, c := range t.crashes {
		if c.When(t.eventInfo(it, nil, t.host.Origin.Trace)) {
			t.open.crash = c.Point
		}
	}
}

// crash ends the engine.
func (t *Task) crash() {
	t.phase, t.halted = halted, errCrashed
	t.effects.Crash = true
}

// crashesSealed crashes in front of a batch's commit, if that is its point.
func (t *Task) crashesSealed(b *batch) bool {
	if b.crash != BeforeCommit {
		return false
	}
	t.crash()
	return true
}

// crashesCommitted crashes behind a batch's commit, if that is its point. Where the
// batch had nothing to store, its commit is this moment.
func (t *Task) crashesCommitted(b *batch) bool {
	if b.crash == AtOnce {
		return false
	}
	if b.crash == BeforeAcks {
		t.shipHops(b)
	}
	t.crash()
	return true
}

// shipHops sends off the hops of a batch to other tasks, and nothing else.
func (t *Task) shipHops(b *batch) {
	for _, f := range b.frames {
		if f.To != t.config.Task && len(f.Events) > 0 {
			f.Acks = nil
			t.ship(f)
		}
	}
	for i := range b.parcels {
		p := &b.parcels[i]
		if p.to == t.config.Task {
			continue
		}
		if parsed, err := wire.ParseParcel(p.parcel.Raw, t.config.Task, p.to, t.directory); err == nil && len(parsed.Frame.Events) > 0 {
			t.post(p.to, p.parcel.Raw, p.opened)
		}
	}
	t.postMail()
}
