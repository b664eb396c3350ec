package runtime

import "iter"

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
	if w := t.config.Watch; w != nil {
		t.reads = w.look()
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
	if w := t.config.Watch; w != nil {
		w.offset.Store(t.reads.offset)
		w.what.Store(t.reads.what)
	}
}

// lookAhead finds out what the drawn events behind the waiting one read. It asks for what is
// foreseen of them, and runs the others on savepoints that are thrown away, each until its first
// miss. The outcome of the batch is as if it had not been: they all run, in order, when their turn comes.
func (t *Task) lookAhead() {
	running, root, accesses := *t.host, t.root, t.accesses
	view := t.host.View
	owner, expected := view.Owner, t.view.Expected()
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
		if it.guessed() && view.Foresee(&it.source.guess, it.record.Key) {
			continue
		}
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
	t.view.ExpectAgain(expected)
}
