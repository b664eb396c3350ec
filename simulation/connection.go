package simulation

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// connection is an owner's line to its slot: commands arrive in order, replies
// come back in order, until one end gives it up.
type connection struct {
	w       *world
	owner   *owner
	history *history // where it ends; that of the moment it was made
	tag     string
	armed   uint64 // the head's version when the guard was armed
	closed  bool   // by the owner: no reply arrives any more, commands under way still do
	arrival int64  // of the last command at the server
	back    int64  // of the last reply at the owner
	blocked bool   // the server serves nothing on it: its last command waits
	queue   []func()
}

// Times of the store.
const (
	storeDelayMin = 50 * microsecond
	storeDelayMax = 2 * millisecond
	giveUpAfter   = 30 * millisecond // the owner's patience with a reply
	lateBy        = 400 * millisecond
	lagPerMille   = 50 // replicas fall behind
	lagMax        = 100 * millisecond
	lookPeriod    = 2 * second // between looks at who is the master, while a commit waits
)

// call sends a command: do runs at the server when it arrives, and returns what
// takes the reply back to the owner. Faults make it arrive late, or its reply
// never.
func (c *connection) call(what string, do func() runtime.Input, lost func() runtime.Input) {
	c.callAt(store.Applied, what, do, lost)
}

// callAt is call with a reply that waits until what the command wrote has a level.
func (c *connection) callAt(level store.Level, what string, do func() runtime.Input, lost func() runtime.Input) {
	w := c.w
	arrive := max(c.arrival, w.now+w.between(storeDelayMin, storeDelayMax))
	late := w.faulty(LateExec)
	if late {
		arrive += w.between(giveUpAfter, lateBy)
	}
	c.arrival = arrive
	if late {
		w.tracef("%v: %s will arrive late", c.owner, what)
		w.after(giveUpAfter, func() { c.giveUp(lost) })
	}
	c.serve(arrive, func() {
		if !c.history.alive {
			w.after(w.between(storeDelayMin, storeDelayMax), func() { c.giveUp(lost) })
			return
		}
		reply := do()
		if late {
			return
		}
		if w.faulty(LostReply) {
			w.tracef("%v: reply to %s lost", c.owner, what)
			w.after(giveUpAfter, func() { c.giveUp(lost) })
			return
		}
		if done, ok := reply.(*runtime.CommitDone); !ok || done.Err != nil || level == store.Applied {
			c.reply(reply)
			return
		}
		c.await(reply, lost)
	})
}

// await has a reply wait until what was written is durable, the server is gone, or
// another is found to be the slot's master.
func (c *connection) await(reply runtime.Input, lost func() runtime.Input) {
	w, over := c.w, false
	c.blocked = true
	end := func(durable bool) {
		if over {
			return
		}
		over = true
		if durable {
			c.reply(reply)
		} else {
			w.after(w.between(storeDelayMin, storeDelayMax), func() { c.giveUp(lost) })
		}
		c.unblock()
	}
	c.history.wait(end)
	var look func()
	look = func() {
		switch {
		case over:
		case c.isMaster():
			w.after(lookPeriod, look)
		default:
			end(false)
		}
	}
	w.after(lookPeriod, look)
}

// serve has the server carry out a command, behind those that wait there.
func (c *connection) serve(arrive int64, do func()) {
	c.w.at(arrive, func() {
		if c.blocked {
			c.queue = append(c.queue, do)
		} else {
			do()
		}
	})
}

func (c *connection) unblock() {
	c.blocked = false
	for len(c.queue) > 0 && !c.blocked {
		do := c.queue[0]
		c.queue = c.queue[1:]
		do()
	}
}

// reply takes a reply back to the owner.
func (c *connection) reply(in runtime.Input) {
	w := c.w
	c.back = max(c.back, w.now+w.between(storeDelayMin, storeDelayMax))
	w.at(c.back, func() { c.answer(c.owner, in) })
}

// pendingInput is an input that a paused process finds when it goes on.
type pendingInput struct {
	from *connection // nil: it is no reply of the store
	in   runtime.Input
}

// answer gives an owner an input; where that is a reply, as a driver does: never one of a
// connection that the engine has dropped, which would be taken for one of the next connection.
func (c *connection) answer(o *owner, in runtime.Input) {
	switch {
	case c != nil && c.closed:
	case c != nil && o.paused && o.alive && o.capture == nil:
		o.pending = append(o.pending, pendingInput{from: c, in: in})
	default:
		o.step(in)
	}
}

// write applies a write, and has it reach the replica later.
func (c *connection) write(x write) {
	h, w := c.history, c.w
	h.apply(x)
	w.watch(h)
	if w.options.Durability == store.Applied {
		return
	}
	n := len(h.writes)
	lag := w.between(storeDelayMin, w.replication)
	if !w.quiet && w.chance(lagPerMille) {
		lag = w.between(w.replication, lagMax)
	}
	w.after(lag, func() {
		if h.alive && !h.demoted {
			h.replicate(n)
		}
	})
}

// giveUp tells the owner that a reply will not come.
func (c *connection) giveUp(lost func() runtime.Input) {
	if c.closed {
		return
	}
	in := lost()
	if c.w.config.Plant == LostIsDone {
		if done, ok := in.(*runtime.CommitDone); ok {
			done.Err = nil
		}
	}
	c.answer(c.owner, in)
}

// isMaster reports whether the server is still the one that new connections reach.
func (c *connection) isMaster() bool {
	return c.w.serverOf(c.owner.id).current == c.history || c.w.config.Plant == StaleMaster
}

func (c *connection) errMoved() error {
	return fmt.Errorf("%w: slot %s has another master", store.ErrLost, c.tag)
}

// errLost is a call whose reply did not come.
func (c *connection) errLost(what string) error {
	return fmt.Errorf("%w: %s, slot %s", store.ErrLost, what, c.tag)
}

func (c *connection) take(head task.Head) {
	c.call("take-over", func() runtime.Input {
		if err := c.refused("take-over"); err != nil {
			return &runtime.Taken{Err: err}
		}
		previous := c.history.slot(c.tag).head
		c.owner.noteFound(c.history.slot(c.tag))
		c.write(write{slot: c.tag, head: head})
		c.armed = c.history.slot(c.tag).version
		c.w.tracef("%v took its slot over from %v", c.owner, previous)
		return &runtime.Taken{Previous: previous, Lineage: c.w.lineageOf(c.history)}
	}, func() runtime.Input { return &runtime.Taken{Err: c.errLost("take-over")} })
}

func (c *connection) commit(b *store.Batch) {
	head, changes := b.Head, copied(b.Changes)
	c.w.markChanges(changes)
	c.callAt(b.Level, "commit "+head.Mark.String(), func() runtime.Input {
		s := c.history.slot(c.tag)
		if s.version != c.armed && c.w.config.Plant != NoGuard {
			if s.head.Token != head.Token && !c.w.quiet { // in quiet, tasks are handed over
				c.w.result.Faults[ZombieWrite]++
			}
			c.w.tracef("%v: commit %d aborted, the head is %v", c.owner, head.Number, s.head)
			return &runtime.CommitDone{Err: fmt.Errorf("%w: the head is %v", store.ErrFenced, s.head)}
		}
		if err := c.refused("commit"); err != nil {
			return &runtime.CommitDone{Err: err}
		}
		if s.mixes(changes) {
			return &runtime.CommitDone{Err: fmt.Errorf("%w: slot %s", store.ErrCorrupt, c.tag)}
		}
		if c.w.config.Plant == SplitCommit && c.w.chance(100) {
			changes = progressOnly(changes)
		}
		c.checkWriter(s, head)
		c.write(write{slot: c.tag, head: head, changes: changes})
		c.armed = s.version
		if c.w.config.Trace != nil {
			c.w.tracef("%v committed %d: %s", c.owner, head.Number, summary(changes, c.w.config.TraceEngine))
		}
		return &runtime.CommitDone{}
	}, func() runtime.Input { return &runtime.CommitDone{Err: c.errLost("commit")} })
}

func (c *connection) read(reads []store.Read) {
	for i := range reads {
		reads[i].Table, reads[i].Field = cloneTable(reads[i].Table), clone(reads[i].Field)
	}
	c.call("read", func() runtime.Input {
		s := c.history.slot(c.tag)
		if s.version != c.armed && c.w.config.Plant != NoGuard {
			return &runtime.ReadDone{Err: fmt.Errorf("%w: the head is %v", store.ErrFenced, s.head)}
		}
		for i := range reads {
			s.answer(&reads[i])
		}
		return &runtime.ReadDone{Reads: reads}
	}, func() runtime.Input { return &runtime.ReadDone{Err: c.errLost("read")} })
}

func (c *connection) heads(tasks []task.ID) {
	c.call("read heads", func() runtime.Input {
		if s := c.history.slot(c.tag); s.version != c.armed && c.w.config.Plant != NoGuard {
			return &runtime.HeadsDone{Tasks: tasks, Err: fmt.Errorf("%w: the head is %v", store.ErrFenced, s.head)}
		}
		if slices.Contains(tasks, c.owner.id) && !c.isMaster() {
			return &runtime.HeadsDone{Tasks: tasks, Err: c.errMoved()}
		}
		heads := make([]task.Head, len(tasks))
		for i, id := range tasks {
			history := c.history
			if other := c.w.serverOf(id); other != c.w.serverOf(c.owner.id) {
				history = other.current // its own server's present master (R15)
			}
			heads[i] = history.slot(c.w.tags[id]).head
		}
		return &runtime.HeadsDone{Tasks: tasks, Heads: heads}
	}, func() runtime.Input { return &runtime.HeadsDone{Tasks: tasks, Err: c.errLost("read heads")} })
}
