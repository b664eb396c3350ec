package microbatch

import "github.com/coppice-run/coppice/task"

// Staged tells that a task's write set is sealed in its slot, by a commit that the mark
// names; shown says that this proves itself (R14).
func (c *Coordinator) Staged(n Name, from task.ID, mark task.Mark, shown bool) {
	if !c.current(n, Staging) || c.replaced(from, mark.Token) {
		return
	}
	m := &c.members[from]
	m.staged, m.mark, m.shown = true, mark, shown
	if c.all(func(m *member) bool { return m.staged }) {
		c.enter(Verifying)
		c.verified()
	}
}

func (c *Coordinator) verified() {
	if c.phase == Verifying && c.all(func(m *member) bool { return m.shown }) {
		c.state.Decided, c.store = true, true
		c.state.Blames = parked(c.state.Blames)
		c.enter(Deciding)
	}
}

// Stamped tells that a task has a stamp, by a commit that the mark names. One of an
// undecided microbatch is its decision: the coordinator's slot has lost it.
func (c *Coordinator) Stamped(stamp Name, from task.ID, mark task.Mark, shown bool) {
	switch {
	case c.phase == Broken || stamp.ID < c.state.ID && !c.tooFar(stamp):
		return
	case (c.phase == Joining || stamp.ID != c.state.ID) && !shown:
		m := &c.members[from]
		m.looked, m.proves, m.proof = true, stamp, mark
	case stamp.ID < c.state.ID:
		c.word = "task " + from.String() + " lacks microbatches that are decided, and their decisions are not known any more"
		c.enter(Broken)
	case stamp.ID > c.state.ID:
		c.word = "task " + from.String() + " has applied a microbatch that this task has not begun"
		c.enter(Broken)
	case c.phase == Joining:
		c.decided(stamp)
	case c.phase == Applying:
		m := &c.members[from]
		m.stamp, m.mark, m.shown = true, mark, shown
		if c.all(func(m *member) bool { return m.stamp }) {
			c.enter(Confirming)
			c.confirmed()
		}
	}
}

// tooFar reports whether a stamp is so far behind that the decision behind it is not known.
func (c *Coordinator) tooFar(stamp Name) bool {
	return stamp.ID+1 < c.state.ID && c.Behind(stamp.ID).IsZero()
}

// decided takes the decision that a stamp is.
func (c *Coordinator) decided(n Name) {
	c.state.Token, c.state.Decided, c.store = n.Token, true, true
	c.enter(Deciding)
}

func (c *Coordinator) confirmed() {
	if c.phase == Confirming && c.all(func(m *member) bool { return m.shown }) {
		c.enter(Idle)
	}
}

// Wants are the tasks whose heads are to be looked at.
func (c *Coordinator) Wants() (all []task.ID) {
	for i := range c.members {
		if c.wants(&c.members[i]) {
			all = append(all, task.ID(i))
		}
	}
	return all
}

func (c *Coordinator) wants(m *member) bool {
	return (c.phase == Verifying || c.phase == Confirming) && !m.shown || m.looked
}

// Shown takes the head of a task that was looked at after Wants named it.
func (c *Coordinator) Shown(id task.ID, head task.Head) {
	m := &c.members[id]
	if !c.wants(m) {
		return
	}
	if m.looked {
		m.looked = false
		if head.Covers(m.proof) {
			c.Stamped(m.proves, id, m.proof, true)
			return
		}
	}
	if !c.wants(m) {
		return
	}
	switch {
	case head.Covers(m.mark):
		m.shown = true
		c.verified()
		c.confirmed()
	case c.phase == Verifying:
		c.fail("the seal of task " + id.String() + " is not there")
	default:
		m.stamp = false
		c.phase, c.askAt = Applying, 0
	}
}
