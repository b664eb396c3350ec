package simulation

import "github.com/coppice-run/coppice/task"

// checkWriter holds a commit against the head that it replaces: only the owner
// whose take-over stands writes to a slot, each commit right behind its last (R7).
func (c *connection) checkWriter(s *slot, head task.Head) {
	if c.w.config.Plant == NoGuard {
		return // the folds must notice
	}
	if s.head.Token != head.Token || s.head.Number+1 != head.Number {
		c.w.violate("%v wrote commit %d of its period over %v: two owners write to slot %s", c.owner, head.Number, s.head.Mark, c.tag)
	}
}
