package microbatch

import (
	"strconv"

	"github.com/coppice-run/coppice/task"
)

// fail ends the attempt.
func (c *Coordinator) fail(why string) {
	c.failed = why
	c.failing++
	c.enter(Resting)
}

// replaced reports whether something is of another owner of a task than the one that
// joined: what that one has run is gone with its memory, and the attempt with it.
func (c *Coordinator) replaced(id task.ID, owner task.Token) bool {
	if c.members[id].owner == owner {
		return false
	}
	c.fail("task " + id.String() + " has a new owner")
	return true
}

// Lost tells that events of the attempt may be lost, or that a task has a new owner.
func (c *Coordinator) Lost(why string) {
	if c.phase == Running || c.phase == Staging || c.phase == Joining && c.anyJoined() {
		c.fail(why)
	}
	c.askAt = 0 // what was asked may be lost, too
}

// Met tells that a task has a new owner.
func (c *Coordinator) Met(id task.ID, owner task.Token) {
	switch m := &c.members[id]; c.phase {
	case Joining, Running, Staging:
		if m.joined && c.replaced(id, owner) {
			return
		}
	case Idle:
		// Its slot may have gone back: what it had applied is asked for again.
		if !c.state.IsZero() {
			c.enter(Applying)
		}
	}
	c.askAt = 0
}

// FailedAt tells that a task cannot go on with the attempt: by a record's fault if there is
// one, or because the write set is too large for one commit.
func (c *Coordinator) FailedAt(n Name, record *Record, large bool, why string) {
	if !c.current(n, Joining, Running, Staging) {
		return
	}
	if large && c.state.shorten() {
		c.fail(why)
		return
	}
	if record != nil {
		c.state.blame(*record, why, c.state.attempts(*record, c.config.MaxAttempts))
	} else if alone, ok := c.state.alone(); large && ok {
		c.state.blame(alone, why, c.state.attempts(alone, c.config.MaxAttempts))
	} else if large { // batch blocks write too much without any record
		c.BlockedAt(n, why)
		return
	}
	c.fail(why)
}

// BlockedAt tells that a batch block has failed on a task. No record is known to be at
// fault: after as many attempts as records have, the ranges are halved each time, until
// one is left, which then is. Where it fails without any it would fail for ever: the
// coordinator is stuck.
func (c *Coordinator) BlockedAt(n Name, why string) {
	if !c.current(n, Joining, Running, Staging) {
		return
	}
	c.blocked++
	most := c.blockAttempts()
	alone, ok := c.state.alone()
	switch {
	case most <= 0 || c.blocked < most:
	case ok:
		c.state.blame(alone, why, 1)
	case !c.state.shorten():
		c.stop(why)
		return
	}
	c.fail(why)
}

// blockAttempts is how often a batch block may fail before records are left out.
func (c *Coordinator) blockAttempts() int {
	if source := c.state.anySource(); source != "" {
		return c.config.MaxAttempts(source)
	}
	return c.config.MaxAttemptsBare
}

// stop ends all attempts: another one would fail as this one has.
func (c *Coordinator) stop(why string) {
	c.failed, c.stuck = why, true
	c.word = "microbatch " + strconv.FormatUint(c.state.ID, 10) + " fails, and no record of it is left to blame: " + why
	c.enter(Broken)
}

func parked(all []Blame) []Blame {
	var kept []Blame
	for _, b := range all {
		if b.Parks {
			kept = append(kept, b)
		}
	}
	return kept
}
