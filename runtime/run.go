package runtime

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// run executes events into the open batch until there are none, the batch is
// full, or a handler waits for reads.
func (t *Task) run() {
	if t.co.waiting {
		return
	}
	if t.queue.at == len(t.queue.drawn) {
		t.drawMore()
	}
	if t.full() || t.queue.at == len(t.queue.drawn) {
		return
	}
	t.co.resume(t.body)
}

// full reports whether the open batch takes no more events.
func (t *Task) full() bool {
	return t.micros.wait || t.open != nil && (t.open.events >= t.options.MaxEventsPerBatch || t.view.Dirty()+t.host.Out.Calls() >= half(t.options.MaxFieldsPerBatch) ||
		int64(t.view.Written()+t.host.Out.LastingBytes()) >= t.options.MaxBytesPerBatch/2 || t.host.Out.LastingEvents() >= t.options.MaxFieldsPerBatch || t.sentEnough() || t.open.appendBytes >= batchAppendBytesMax || t.apart())
}

// prepare sets the event up for an item.
func (t *Task) prepare(it *item) {
	t.host.View, t.host.Microbatch, t.host.Memory = t.viewOf(it.part), 0, nil
	t.view.Expect(nil)
	if it.part != nil {
		t.host.Microbatch, t.host.Memory = it.part.name.ID, &it.part.memory
	}
	if it.command != nil {
		t.view.Owner = parkedOwner
		t.host.Lasting = false
		t.host.Begin(wire.Origin{}, 0, nil)
		return
	}
	if it.source != nil && it.frame == nil {
		s := it.source
		origin := wire.Origin{
			Root: t.config.Task, Source: uint16(s.plan.ID), Attempt: it.attempt,
			Offset: it.record.Offset, Time: it.record.Time.UnixMilli(), Trace: traceOf(it.record), Generation: s.generation,
		}
		if it.part != nil {
			t.host.Topology, t.host.Lasting, t.root = s.topology.plan.ID, false, rootEvent{}
			t.host.View.Owner = s.topology.plan.Name
			t.prepareMicro(it)
			return
		}
		t.host.Topology, t.host.Lasting = s.topology.plan.ID, s.topology.plan.ExactlyOnce
		t.root = rootEvent{try: it.try, began: t.now}
		t.view.Owner = s.topology.plan.Name
		t.view.Expect(it.record.Key)
		t.host.Begin(origin, acker.Seed(s.topology.plan.Name, s.plan.Name, it.record.Partition, it.record.Offset), it.record)
		return
	}
	e := &it.frame.Events[it.index]
	step := t.steps[e.Step]
	t.host.View.Owner = step.Topology
	t.host.Topology = step.TopologyID()
	t.host.Lasting = it.inbox != nil || it.orderedEvent() || it.lastingCall()
	t.root = rootEvent{try: it.try}
	origin := e.Origin
	if it.inbox != nil {
		origin.Attempt = uint16(it.inbox.failures + 1)
	}
	t.host.Begin(origin, e.Seed, nil)
}

// call runs the handler of an item; a panic becomes its error.
func (t *Task) call(it *item) (err error) {
	defer func() {
		p := recover()
		switch left := t.co.left; {
		case left != nil:
			err, t.co.left = left, nil
		case p != nil:
			err = &PanicError{Value: fmt.Sprint(p), Stack: string(debug.Stack())}
		}
	}()
	if it.command != nil {
		return t.runOrder(it.command)
	}
	if w := t.config.Watch; w != nil {
		w.enter(t.handlerNumber(it), t.host)
	}
	if it.source != nil && it.frame == nil {
		return it.source.plan.Run(t.event, it.record)
	}
	e := &it.frame.Events[it.index]
	if c := it.outside; c != nil {
		if c.err != nil {
			return c.err
		}
		return t.steps[e.Step].Called(t.event, c.result)
	}
	return t.steps[e.Step].Run(t.event, it.frame.Columns[e.Step], int(e.Index))
}

// callOnce runs the handler of an item, unless its attempts are used up.
func (t *Task) callOnce(it *item) error {
	if it.inbox != nil {
		if why := t.exhausted(it); why != "" {
			return module.Park(errors.New(why))
		}
	}
	return t.call(it)
}

// rootEvent is the root event that runs, and the group of its record if it hops in an
// exactly-once topology.
type rootEvent struct {
	try   try
	group *group
	began int64
	// followed: a listener hears of it.
	followed bool
}

// PanicError is a handler's panic; it fails the record like an error.
type PanicError struct {
	Value string
	Stack string
}

func (e *PanicError) Error() string { return "panic: " + e.Value }

var errUnwound = fmt.Errorf("handler was unwound")

// execute runs one event for good, unless it is to wait behind one of its key. It returns
// false when the coroutine ends.
func (t *Task) execute(it *item) bool {
	if !t.yields {
		return t.executeNow(it)
	}
	if t.putsAside(it) {
		return true
	}
	if !t.executeNow(it) {
		return false
	}
	if t.isRest(it) {
		t.rested(it)
	}
	return true
}

func (t *Task) executeNow(it *item) bool {
	if t.open == nil {
		t.open = t.newBatch()
	}
	part, ok := t.partOf(it)
	switch {
	case ok:
		it.part = part
	case it.part == nil:
		t.strayed(it)
		t.consume(it)
		return true
	default:
		return true // a record of an attempt that is over
	}
	view := t.viewOf(part)
	if it.frame != nil && it.inbox == nil && !it.orderedEvent() && !it.lastingCall() {
		run, alive := t.current(it)
		if !alive {
			return false
		}
		if !run {
			t.consume(it)
			return true
		}
	}
	t.enter(it)
	save, mark := view.Begin(), t.host.Out.Mark()
	calls, sends := t.host.Out.Calls(), t.host.Out.LastingBytes()
	t.accesses = Accesses{}
	t.spills.mark = mark
	t.prepare(it)
	t.beginsEvent()
	followed := it.command == nil && t.follows()
	t.root.followed = followed
	if followed && t.listener.EventBegin != nil {
		t.host.Origin.Trace = t.listener.EventBegin(t.eventInfo(it, nil, t.host.Origin.Trace))
	}
	if it.source != nil && it.try.order == nil {
		it.run = it.source.run
		t.began = beganRecord{it.source, it.record.Offset}
	}
	t.busy = it.inbox
	err := t.callOnce(it)
	t.busy, t.began = nil, beganRecord{}
	if err == errUnwound {
		return false
	}
	if it.guessed() {
		it.source.guess.Ran(view)
		if err == nil {
			it.source.pace.set(t.host.Out.Mark() - mark)
		} else {
			it.source.pace.failed()
		}
	}
	if part != nil && part.over {
		t.host.Out.Rollback(mark)
		view.Rollback(save)
		t.consume(it)
		return true
	}
	if it.outdated() {
		t.host.Out.Rollback(mark)
		view.Rollback(save)
		t.undoBegun(it)
		return true
	}
	if failure := view.Failure(); failure != nil {
		err = failure
	}
	if err == nil && part == nil {
		changes, bytes := view.Since(save)
		if t.host.Lasting {
			changes += t.host.Out.Calls() - calls
		}
		err = t.tooLarge(changes, bytes+t.host.Out.LastingBytes()-sends)
	}
	if it.command != nil {
		if err != nil {
			view.Rollback(save)
		} else {
			view.Release(save)
		}
		t.orderRan(it.command, err)
		return true
	}
	t.open.events++
	if t.crashes != nil {
		t.expectCrash(it, err)
	}
	t.countEvent()
	if err != nil {
		t.host.Out.Rollback(mark)
		view.Rollback(save)
		t.eventFailed(it, err)
	} else {
		view.Release(save)
		t.eventDone(it)
		t.hasYielded()
	}
	t.ranWhole(it, err)
	if p, ok := err.(*PanicError); ok && t.listener.Panicked != nil {
		t.listener.Panicked(t.eventInfo(it, err, t.host.Origin.Trace), p)
	}
	if followed || err != nil && t.following {
		t.keepEvent(it, err)
	}
	if t.listener.EventEnd != nil {
		t.listener.EventEnd(t.eventInfo(it, err, t.host.Origin.Trace))
	}
	t.consume(it)
	return true
}

// consume notes that an event of a frame is over; the frame is used again when
// the last of them is committed.
func (t *Task) consume(it *item) {
	if it.frame != nil && it.inbox == nil && it.outside == nil && !it.orderedEvent() && it.index == len(it.frame.Events)-1 && !it.frame.Kept {
		t.open.consumed = append(t.open.consumed, it.frame)
	}
}

// openTree gives the running root event its tree, when it first hops.
func (t *Task) openTree(h *host.Event) {
	if h.Lasting {
		t.root.group = t.openGroup(&t.root.try)
		h.Origin.Tree = acker.Ref{ID: t.root.group.id}
		return
	}
	tree := t.ledger.Open(h.Seed)
	tree.Touched = touch(t.config.Task)
	h.Origin.Tree = tree.Ref
}

func touch(id task.ID) uint64 { return 1 << (uint(id) & 63) }

// ErrEventTooLarge: an event writes more than one commit may (R42); what it sends and calls in
// an exactly-once stream is written, too. Its record, or of an exactly-once stream the event
// alone, is parked: it would write as much each time.
var ErrEventTooLarge = errors.New("the event writes more than one transaction of the store may, with what it sends and calls in an exactly-once stream: write less in one event, by sending parts to steps, or raise store.fields.per.batch.max or store.bytes.per.batch.max")

// tooLarge refuses an event that alone passes what a commit may write beside the others of
// its batch.
func (t *Task) tooLarge(changes, bytes int) error {
	switch {
	case changes > half(t.options.MaxFieldsPerBatch):
		return module.Park(fmt.Errorf("%d fields, an event may write %d: %w", changes, half(t.options.MaxFieldsPerBatch), ErrEventTooLarge))
	case int64(bytes) > t.options.MaxBytesPerBatch/2:
		return module.Park(fmt.Errorf("%d bytes, an event may write %d: %w", bytes, t.options.MaxBytesPerBatch/2, ErrEventTooLarge))
	}
	return nil
}

// half of a limit, and one at least.
func half(limit int) int { return max(limit/2, 1) }
