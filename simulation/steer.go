package simulation

import "github.com/coppice-run/coppice/runtime"

// Two faults that strike by what happens and not by the clock: an owner ends at a named
// moment of an event, and a handler's events wait while all else goes on. Random times
// rarely hit the moments that matter, which are short.
//
// What they draw comes from a source of its own: the other faults of a seed stay where
// they are.

// steered are the faults that this file plans.
const steered = CrashPoint

// pause between two of them, and how long a handler stands still.
const (
	steerPauseMax = 600 * millisecond
	heldMax       = 150 * millisecond
)

// steer draws a number from low to high, of the source of these faults.
func (w *world) steer(low, high int64) int64 { return low + w.steering.Int64N(high-low+1) }

// planSteering has them strike until it becomes quiet.
func (w *world) planSteering() {
	var kinds []Fault
	for _, f := range []Fault{CrashPoint, Held} {
		if w.allowed[f] {
			kinds = append(kinds, f)
		}
	}
	if len(kinds) == 0 {
		return
	}
	var strike func()
	strike = func() {
		if w.quiet {
			return
		}
		f := kinds[w.steering.IntN(len(kinds))]
		o := w.owners[w.steering.IntN(w.tasks)]
		w.strikes++
		if !w.config.spared[w.strikes] {
			w.result.struck = append(w.result.struck, w.strikes)
			if f == Held {
				w.hold(o)
			} else {
				w.crashAt(o)
			}
		}
		w.after(w.steer(millisecond, steerPauseMax), strike)
	}
	w.after(w.steer(millisecond, steerPauseMax), strike)
}

// crashAt has an owner end at a point of one of its next events.
func (w *world) crashAt(o *owner) {
	point := runtime.BeforeCommit + runtime.CrashPoint(w.steering.IntN(3))
	passed := w.steering.IntN(5) // events before the one that it befalls
	w.tracef("%v will crash %v", o, point)
	o.step(&runtime.CrashAt{Point: point, When: func(runtime.EventInfo) bool {
		passed--
		return passed < 0 && !w.quiet
	}})
}

// crashed ends an owner that came to its crash point.
func (o *owner) crashed(f Fault) {
	w := o.w
	if f == CrashPoint {
		w.result.Faults[f]++
	}
	w.tracef("FAULT crash of %v", o)
	o.crash()
	w.drainLines(o) // what it sent still arrives
	w.after(w.steer(0, 300*millisecond), func() {
		if w.owners[o.id] == o {
			w.hire(o.id)
		}
	})
}

// hold has the events of a handler wait on one task, and then run.
func (w *world) hold(o *owner) {
	handlers := w.plan.Handlers()
	h := handlers[w.steering.IntN(len(handlers))]
	w.result.Faults[Held]++
	w.tracef("FAULT %v holds %v", o, h)
	o.step(&runtime.Hold{Handler: h})
	w.after(w.steer(millisecond, heldMax), func() {
		w.tracef("%v releases %v", o, h)
		o.step(&runtime.Release{Handler: h})
	})
}
