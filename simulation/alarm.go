package simulation

import (
	"errors"

	"github.com/coppice-run/coppice/runtime"
)

// halted hears that a task has halted. Where slots lose tails that others keep, a task
// that finds out has to say so, and the run is over: what was lost is for people to
// decide (R27). Every other halt is a violation.
func (w *world) halted(o *owner, why error) {
	o.alive = false
	if _, ok := errors.AsType[*runtime.ChannelError](why); ok && w.config.Workload.Detects {
		w.result.Alarms++
		w.tracef("%v halted: %v", o, why)
		w.over = true
		return
	}
	w.violate("%v halted: %v", o, why)
}
