package runtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// failing fails so many times, and then does not.
func failing(times int) func(*module.Event) error {
	return func(ev *module.Event) error {
		if ev.Attempt() <= times {
			return fmt.Errorf("attempt %d fails", ev.Attempt())
		}
		return nil
	}
}

// R14, R25: what a task of the same server sends is applied without a look at its head;
// what another's sends waits for one that was made after it came.
func TestParcelsOfAnotherLineageWaitForALook(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 3, runtime.Options{})
	a, same, other := w.tasks[0], w.tasks[1], w.tasks[2]
	other.lineage = task.Lineage{Run: "s", Replication: "s"}
	other.own(m)
	w.settle()
	a.holdHeads = true
	same.give(0, node{1, "one", []node{leaf(0, "x")}})
	same.commit()
	w.carry(1, 0)
	if len(a.asked) > 0 || a.pending == nil || !slices.Contains(written(a.pending, "seen"), "x") {
		t.Fatalf("of the same lineage: asked for the heads of %v, commit %+v; want x at once", a.asked, a.pending)
	}
	a.commit()
	other.give(0, node{2, "two", []node{leaf(0, "y")}})
	other.commit()
	w.carry(2, 0)
	if !slices.Equal(a.asked, []task.ID{2}) || a.pending != nil {
		t.Fatalf("of another lineage: asked for the heads of %v, commit %+v; want a look first", a.asked, a.pending)
	}
	a.step(a.heads())
	if a.pending == nil || !slices.Contains(written(a.pending, "seen"), "y") {
		t.Errorf("when the head was shown: %+v, want y", a.pending)
	}
}

// R28, R20: an event that fails holds what comes behind it by its channel, and nothing
// else; before it runs again the number of the attempt is in the slot.
func TestAFailingEventHoldsItsChannel(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["bad"] = failing(1)
	w := newTown(t, m, 3, runtime.Options{})
	a, b, c := w.tasks[0], w.tasks[1], w.tasks[2]
	b.give(0, node{1, "one", []node{leaf(0, "before"), leaf(0, "bad"), leaf(0, "behind")}})
	b.commit()
	c.give(0, node{2, "two", []node{leaf(0, "beside")}})
	c.commit()
	w.carry(1, 0)
	if got := written(a.pending, "seen"); !slices.Equal(got, []string{"before"}) {
		t.Fatalf("the first commit writes %v, want what came before the failing event", got)
	}
	w.carry(2, 0)
	a.commit()
	if got := a.table("channels")["in/1"]; !strings.Contains(got, " index=1 ") || strings.Contains(got, "attempt") {
		t.Errorf("the channel stands at %q, want behind one event, and no attempt begun", got)
	}
	w.wait(1) // the pause is not over
	if a.pending == nil || !slices.Equal(written(a.pending, "seen"), []string{"beside"}) {
		t.Fatalf("the other channel: %+v, want its event", a.pending)
	}
	a.commit()
	w.wait(60e6)
	if a.pending == nil || len(written(a.pending, "seen")) > 0 {
		t.Fatalf("after the pause: %+v, want the number of the attempt alone", a.pending)
	}
	a.commit()
	if got := a.table("channels")["in/1"]; !strings.Contains(got, " index=1 ") || !strings.HasSuffix(got, " attempt=2") {
		t.Errorf("the channel stands at %q, want behind one event, before attempt 2", got)
	}
	if a.pending == nil || !slices.Equal(written(a.pending, "seen"), []string{"bad", "behind"}) {
		t.Fatalf("behind the number: %+v, want the rest of the channel", a.pending)
	}
	w.settle()
	w.rested()
	if got := a.table("channels")["in/1"]; !strings.HasPrefix(got, "1 number=1 id=") || strings.Contains(got, "attempt") {
		t.Errorf("the channel stands at %q, want behind the parcel", got)
	}
	if len(a.failed) != 1 || a.failed[0].Attempt != 1 || a.failed[0].Err != "step next: attempt 1 fails" {
		t.Errorf("told of %+v, want one failed attempt", a.failed)
	}
}

// R20: an attempt that was begun and did not end counts when the worker died, and does
// not when the very same owner lost its connection, or its task was taken while the event
// waited.
func TestAttemptsThatDidNotEnd(t *testing.T) {
	t.Parallel()
	for why, want := range map[string][]int{"worker died": {3}, "connection lost": {2, 3}, "taken in the pause": {1, 2, 3}} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			m := newBranches()
			var attempts []int
			m.do["bad"] = func(ev *module.Event) error {
				attempts = append(attempts, ev.Attempt())
				return errBad
			}
			w := newTown(t, m, 2, runtime.Options{})
			a, b := w.tasks[0], w.tasks[1]
			b.give(0, node{1, "root", []node{leaf(0, "bad")}})
			b.commit()
			w.carry(1, 0)
			a.commit()
			if why == "taken in the pause" {
				attempts = nil
				a.own(m)
			} else {
				w.wait(100e6)
				attempts = nil
				a.commit() // attempt 2 is in the slot, and runs
				if why == "worker died" {
					attempts = nil
					a.own(m)
				} else {
					a.lose(false)
				}
			}
			w.settle()
			for range 5 {
				w.wait(1e9)
				w.settle()
			}
			w.rested()
			if attempts = slices.Compact(attempts); !slices.Equal(attempts, want) {
				t.Errorf("attempts %v were made, want %v", attempts, want)
			}
			if len(a.table("p:$$__parked")) != 1 {
				t.Errorf("parked %v, want the event after three attempts", a.table("p:$$__parked"))
			}
		})
	}
}

// R28, R29: acks do not wait behind an event that fails: what they end has nothing to
// do with it. That they are applied ahead stands with the position.
func TestAcksDoNotWaitBehindAFailingEvent(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["bad"] = failing(2)
	w := newTown(t, m, 2, runtime.Options{RetryBackoff: 1e12, RetryBackoffMax: 1e12})
	a, b := w.tasks[0], w.tasks[1]
	b.give(0, node{1, "other", []node{leaf(0, "bad")}})
	w.settle()
	a.step(&runtime.Await{Depot: "roots", Offset: 0, Waiter: 1})
	a.give(0, node{0, "mine", []node{leaf(1, "x")}})
	w.settle()
	if len(a.answers) != 1 || a.answers[0].Kind != runtime.AnswerDone {
		t.Fatalf("answers %+v, want that the record is done", a.answers)
	}
	if got := a.table("channels")["in/1"]; !strings.HasPrefix(got, "1 number=0 acks=2 ackid=") {
		t.Errorf("the channel stands at %q, want no event and two parcels' acks", got)
	}
	if got := len(b.table("outbox")); got != 2 {
		t.Errorf("the sender keeps %d parcels, want both", got)
	}
	// A new owner gets both again, and applies the acks no second time. It tells how far
	// they are applied, so that a sender that lost them would notice.
	a.own(m)
	a.commit()
	told := w.mail(0, 1)
	if asked := receipts(told); len(asked) != 1 || !asked[0].Again || asked[0].Number != 0 || asked[0].AckNumber != 2 || asked[0].AckID.IsZero() {
		t.Errorf("the sender is told %+v, want acks up to parcel 2", asked)
	}
	w.deliver(told...)
	w.settle()
	if len(a.strayed) > 0 || len(a.table("groups")) > 0 {
		t.Errorf("acks for the groups %x came again; in the slot: %v", a.strayed, a.table("groups"))
	}
	for range 4 {
		w.wait(1e12)
		w.settle()
	}
	w.rested()
	if a.seen("bad") != "1" || b.seen("x") != "1" {
		t.Errorf("seen %v and %v, want each event once", a.table("p:seen"), b.table("p:seen"))
	}
}

// R26: what a former owner sent and is not applied is dropped when its successor is
// heard of, and comes again from it; also while an event of it waits for what it reads.
func TestANewSenderSendsWhatHolds(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["bad"] = failing(1)
	w := newTown(t, m, 2, runtime.Options{RetryBackoff: 1e10, RetryBackoffMax: 1e10})
	a, b := w.tasks[0], w.tasks[1]
	b.give(0, node{1, "root", []node{leaf(0, "x"), leaf(0, "bad"), leaf(0, "y")}})
	w.settle()
	if a.seen("x") != "1" || a.seen("bad") != "" {
		t.Fatalf("seen %v, want x alone", a.table("p:seen"))
	}
	b.own(m)
	w.settle()
	for range 3 {
		w.wait(1e10)
		w.settle()
	}
	w.rested()
	for _, name := range []string{"x", "bad", "y"} {
		if a.seen(name) != "1" {
			t.Errorf("seen %v, want each event once", a.table("p:seen"))
		}
	}
}

// R43: channels are served in turns: many with much to do do not keep the others from
// theirs.
func TestChannelsTakeTurns(t *testing.T) {
	t.Parallel()
	const peers, events = 12, 900
	w := newTown(t, newBranches(), peers+1, runtime.Options{MaxEventsPerBatch: 512})
	for _, c := range w.tasks[1:] {
		root := node{At: int(c.id), Name: "root"}
		for i := range events {
			root.Below = append(root.Below, leaf(0, fmt.Sprintf("%d-%d", c.id, i)))
		}
		c.give(0, root)
		c.commit()
	}
	for id := range peers {
		w.carry(task.ID(id+1), 0)
	}
	a := w.tasks[0]
	for range 6 { // what was drawn before all had come, and a turn of each
		a.commit()
	}
	for id := range peers {
		if a.seen(fmt.Sprintf("%d-0", id+1)) != "1" {
			t.Errorf("no event of task %d has run, and %d of all", id+1, len(a.table("p:seen")))
		}
	}
}

// An event whose attempts are used up does not run, not even ahead of its turn: it may
// be what killed its worker.
func TestAnExhaustedEventDoesNotRunAhead(t *testing.T) {
	t.Parallel()
	m := newBranches()
	ran := 0
	m.begun = func(name string) {
		if name == "bad" {
			ran++
		}
	}
	m.do["bad"] = failing(9)
	w := newTown(t, m, 4, runtime.Options{})
	a := w.tasks[0]
	w.tasks[2].give(0, node{2, "root", []node{leaf(0, "bad")}})
	w.tasks[2].commit()
	w.carry(2, 0)
	a.commit()
	for range 2 {
		w.wait(1e9)
		a.commit() // the number of attempt 2, and of 3, is in the slot
	}
	a.own(m) // its worker died: that was the last one
	a.commit()
	ran = 0
	w.carry(0, 2) // asks for it again
	late := w.mail(2, 0)
	// While an event of another channel waits for what it reads, there comes more.
	a.holdReads = true
	for i, id := range []task.ID{1, 1, 3} {
		w.tasks[id].give(int64(i), node{int(id), fmt.Sprint("root ", i), []node{leaf(0, fmt.Sprint("unread ", i))}})
		w.tasks[id].commit()
		w.carry(id, 0)
	}
	w.deliver(late...)
	for a.wanted != nil {
		a.step(a.readDone())
	}
	a.holdReads = false
	w.settle()
	w.wait(2e9)
	w.settle()
	w.rested()
	if ran > 0 || len(a.table("p:$$__parked")) != 1 {
		t.Errorf("it ran %d times, parked %v; want it parked without a run", ran, a.table("p:$$__parked"))
	}
}

// A parcel that does not parse halts the task: what was stored cannot be understood, and
// going on would lose it.
func TestAParcelThatDoesNotParse(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	b.give(0, node{1, "root", []node{leaf(0, "x")}})
	b.commit()
	frames := w.mail(1, 0)
	raw := frames[0].Parcels[0]
	frames[0].Parcels[0] = raw[:len(raw)-1]
	w.deliver(frames...)
	if a.halt == nil || !strings.Contains(a.halt.Error(), "parcel from task 1") {
		t.Errorf("halted: %v", a.halt)
	}
}

// An event whose tree would be at a task that there is not halts the task that it comes to: nobody
// would hear that it ended.
func TestAParcelOfATaskThatThereIsNot(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	b.give(0, node{1, "root", []node{leaf(0, "x")}})
	b.commit()
	frames := w.mail(1, 0)
	p := frames[0].Opened[0]
	p.Frame.Events[0].Root = 2
	raw, _, _, err := wire.NewPacker(branchNames{}).Pack(nil, p.ParcelHead, p.Frame, 0, p.Acks, 0)
	if err != nil {
		t.Fatal(err)
	}
	frames[0].Parcels[0] = string(raw)
	w.deliver(frames...)
	if a.halt == nil || !strings.Contains(a.halt.Error(), "an event of a record of task 2, and the module has 2 tasks") {
		t.Errorf("halted: %v", a.halt)
	}
}

// R26: the copy of a parcel that its sender's newest owner sends replaces an older one,
// whose commit was lost after it had been shown, as long as nothing of that is committed
// here.
func TestTheNewestCopyOfAParcelCounts(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 3, runtime.Options{})
	a, b, c := w.tasks[0], w.tasks[1], w.tasks[2]
	b.lineage = task.Lineage{Run: "s", Replication: "s"}
	b.own(m)
	w.settle()
	before, head := copied(b.tables), b.head
	a.holdReads = true // an event of another task waits for what it reads
	c.give(0, node{2, "two", []node{leaf(0, "waits")}})
	c.commit()
	w.carry(2, 0)
	b.give(0, node{1, "one", []node{leaf(0, "old")}})
	b.commit()
	w.carry(1, 0)
	b.tables, b.head = before, head
	b.own(m)
	b.commit()
	b.give(0, node{1, "one", []node{leaf(0, "new")}})
	b.commit()
	w.wait(0.2e9)
	w.carry(1, 0)
	a.holdReads = false
	a.step(a.readDone())
	for range 5 {
		w.settle()
		w.wait(2e9)
	}
	w.rested()
	if a.seen("old") != "" || a.seen("new") != "1" || a.seen("waits") != "1" {
		t.Errorf("seen %v, want the events of the newest copy", a.table("p:seen"))
	}
}
