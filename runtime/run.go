package runtime

import (
	"errors"
	"fmt"
	"iter"
	"runtime/debug"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// coroutine is the goroutine-less thread in which handlers run: it gives up
// control only when there is nothing to run, or when a handler reads what is
// not in memory. Switching costs tens of nanoseconds and no allocation.
type coroutine struct {
	next    func() (struct{}, bool)
	end     func()
	yield   func(struct{}) bool
	waiting bool  // a handler waits for reads
	ahead   bool  // a later event runs ahead on a throw-away savepoint
	left    error // why the running handler was left
}

// unwind leaves a handler without its help: when it runs ahead and meets what is
// not in memory, or when the task ends.
type unwind struct{}

// abandon ends the running handler by a panic that the engine catches. A handler may catch it
// first, as a deferred recover does: what counts is that it was left.
func (t *Task) abandon(why error) {
	t.co.left = why
	panic(unwind{})
}

// resume gives control to the coroutine until it yields.
func (c *coroutine) resume(body func(yield func(struct{}) bool)) {
	if c.next == nil {
		c.next, c.end = iter.Pull(iter.Seq[struct{}](body))
	}
	c.next()
}

// stop ends the coroutine, unwinding a handler that waits.
func (c *coroutine) stop() {
	if c.end != nil {
		c.end()
	}
	*c = coroutine{}
}

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
	return t.open != nil && (t.open.events >= t.options.MaxEventsPerBatch || t.view.Dirty() >= t.options.MaxFieldsPerBatch ||
		t.host.Out.LastingEvents() >= t.options.MaxFieldsPerBatch || t.sentEnough() || t.open.appendBytes >= batchAppendBytesMax || t.apart())
}

// body is the coroutine.
func (t *Task) body(yield func(struct{}) bool) {
	t.co.yield = yield
	for {
		for !t.full() {
			it, ok := t.queue.pop()
			if !ok {
				if t.drawMore(); t.queue.at == len(t.queue.drawn) {
					break
				}
				continue
			}
			if !t.execute(&it) {
				return
			}
		}
		if !yield(struct{}{}) {
			return
		}
	}
}

// suspend is called in a handler that reads what is not in memory. It lets the
// events behind it run ahead, so that what they need is fetched in the same
// round trip, and waits.
func (t *Task) suspend() {
	if t.co.ahead {
		t.abandon(errUnwound)
	}
	t.lookAhead()
	t.reader = t.host.View
	t.effects.Reads = t.reader.Reads(t.effects.Reads)
	t.reading = true
	t.co.waiting = true
	if !t.co.yield(struct{}{}) {
		t.abandon(errUnwound)
	}
	t.co.waiting = false
}

// lookAhead runs the drawn events behind the waiting one on savepoints that are
// thrown away, each until its first miss. The outcome of the batch is as if it
// had not been: they all run again, in order, when their turn comes.
func (t *Task) lookAhead() {
	running, root, accesses := *t.host, t.root, t.accesses
	view := t.host.View
	owner := view.Owner
	t.co.ahead = true
	for i := 0; i < drawAhead && view.Pending() < drawAhead; i++ {
		it, ok := t.queue.peek(i)
		if !ok {
			break
		}
		part, ok := t.partOf(it)
		if !ok || t.viewOf(part) != view {
			continue // it reads from elsewhere
		}
		it.part = part
		save, mark := view.Begin(), t.host.Out.Mark()
		t.prepare(it)
		_ = t.callOnce(it)
		if t.host.Record != nil && t.host.Origin.Tree.ID != 0 && !t.host.Lasting && part == nil {
			t.ledger.Close(t.ledger.Find(t.host.Origin.Tree))
		}
		t.host.Out.Rollback(mark)
		view.Rollback(save)
	}
	t.co.ahead = false
	scratch := t.host.Scratch
	*t.host, t.root = running, root
	t.host.Scratch = scratch
	view.Owner, t.accesses = owner, accesses
}

// prepare sets the event up for an item.
func (t *Task) prepare(it *item) {
	t.host.View, t.host.Microbatch, t.host.Memory = t.viewOf(it.part), 0, nil
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
		t.root = rootEvent{try: it.try}
		t.view.Owner = s.topology.plan.Name
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
}

// PanicError is a handler's panic; it fails the record like an error.
type PanicError struct {
	Value string
	Stack string
}

func (e *PanicError) Error() string { return "panic: " + e.Value }

var errUnwound = fmt.Errorf("handler was unwound")

// execute runs one event for good. It returns false when the coroutine ends.
func (t *Task) execute(it *item) bool {
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
	t.accesses = Accesses{}
	t.spills.mark = mark
	t.prepare(it)
	traced := t.host.Origin.Trace
	if traced != nil && t.listener.EventBegin != nil {
		t.host.Origin.Trace = t.listener.EventBegin(t.eventInfo(it, nil, traced))
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
	if traced != nil {
		t.open.traces = append(t.open.traces, t.host.Origin.Trace)
	}
	if err != nil {
		t.host.Out.Rollback(mark)
		view.Rollback(save)
		t.eventFailed(it, err)
	} else {
		view.Release(save)
		t.eventDone(it)
	}
	t.ranWhole(it, err)
	if p, ok := err.(*PanicError); ok && t.listener.Panicked != nil {
		t.listener.Panicked(t.eventInfo(it, err, t.host.Origin.Trace), p)
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
	if it.frame != nil && it.inbox == nil && it.outside == nil && !it.orderedEvent() && it.index == len(it.frame.Events)-1 {
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

// eventDone books a finished event.
func (t *Task) eventDone(it *item) {
	if it.part != nil {
		t.microEventDone(it)
		return
	}
	h := t.host
	said := t.collect(it)
	if it.inbox != nil {
		t.inboxEventDone(it)
		return
	}
	if it.lastingCall() {
		delta, _ := h.Delta()
		t.callEnded(it.outside, delta, t.returnNote())
		return
	}
	if it.outside != nil {
		delete(t.calls.all, it.outside.id)
	}
	if it.source == nil {
		delta, touched := h.Delta()
		t.host.Out.Ack(h.Origin.Root, h.Origin.Tree, delta, touched, returned(h))
		return
	}
	if h.Origin.Tree.ID == 0 {
		t.open.finished = append(t.open.finished, finished{try: it.try, returns: h.Returns(), said: said})
		return
	}
	if h.Lasting {
		t.joinGroup(it)
		return
	}
	t.plant(it)
	if it.source.dropsFailures() {
		it.source.passed[it.record.Offset] = it.try
		t.open.passed = append(t.open.passed, it.try)
	}
	delta, touched := h.Delta()
	t.host.Out.Ack(t.config.Task, h.Origin.Tree, delta, touched, returned(h))
}

func returned(h *host.Event) *wire.AckMore {
	if len(h.Returns()) == 0 {
		return nil
	}
	return &wire.AckMore{Returns: h.Returns()}
}

// eventFailed books an event that ended with an error; its writes and hops are
// rolled back.
func (t *Task) eventFailed(it *item, err error) {
	if it.part != nil {
		t.microEventFailed(it, err)
		return
	}
	if t.failsWhole(err) {
		t.takeBackBatch()
	}
	outcome, h := outcomeOf(err), t.host
	if it.inbox != nil {
		t.inboxEventFailed(it, outcome, err)
		return
	}
	if it.lastingCall() {
		t.callFailed(it, outcome, err)
		return
	}
	if it.outside != nil {
		delete(t.calls.all, it.outside.id)
	}
	if it.source == nil {
		// The children are rolled back: only the event itself ends.
		own := acker.EventID(h.Origin.Tree.ID, h.Seed)
		t.host.Out.Ack(h.Origin.Root, h.Origin.Tree, own, 0, &wire.AckMore{Outcome: outcome, Text: err.Error(), Step: t.steps[it.frame.Events[it.index].Step].Name})
		return
	}
	if h.Origin.Tree.ID != 0 && !h.Lasting {
		t.ledger.Close(t.ledger.Find(h.Origin.Tree))
	}
	f := finished{try: it.try, outcome: outcome, text: err.Error()}
	switch {
	case outcome == wire.Failed:
		t.attemptFailed(f, byHandler)
	case outcome == wire.Undone:
		f.outcome = wire.Failed
		t.attemptFailed(f, byWorld)
	case outcome == wire.Parked:
		t.putAside(f)
	default:
		t.toOpen(f)
	}
}

func (t *Task) eventInfo(it *item, err error, trace *wire.Trace) EventInfo {
	h := t.host
	info := EventInfo{
		TaskInfo: t.info, Offset: h.Origin.Offset, RootTask: h.Origin.Root, Attempt: int(h.Origin.Attempt),
		Microbatch: h.Microbatch, Tree: h.Origin.Tree.ID, Seed: h.Seed, Children: h.Hopped(), Accesses: t.accesses, Err: err, Trace: trace,
	}
	if it.part != nil {
		info.RootTask = task.ID(h.Origin.Tree.Slot)
	}
	if it.source != nil && it.frame == nil {
		info.Topology, info.Step, info.Source, info.Root = it.source.topology.plan.Name, it.source.plan.Name, it.source.plan.Name, true
	} else {
		step := t.steps[it.frame.Events[it.index].Step]
		info.Topology, info.Step, info.Source = step.Topology, step.Name, t.sourceName(step.TopologyID(), h.Origin.Source)
	}
	return info
}
