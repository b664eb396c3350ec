package chaos

import (
	"sync"
	"time"
)

// fillAfter is how long no fault has begun when a run cuts connections of its own accord: longer
// than a plan leaves between two, so that those of the plan have their turn.
const fillAfter = gapMax + 200*time.Millisecond

// fill cuts connections whenever no fault has begun for a while, until the plan's end is near.
func (r *run) fill() {
	var group sync.WaitGroup
	defer group.Wait()
	if len(r.plan.Fillers) == 0 {
		return
	}
	for due := fillAfter; due+rest < r.plan.Duration; {
		if !r.sleepUntil(due) {
			return
		}
		fault, changed, next := r.filler()
		switch {
		case next > 0:
			due = next
		case changed != nil: // nothing is there to cut
			select {
			case <-changed:
			case <-r.ctx.Done():
				return
			}
			due = time.Since(r.start)
		default:
			group.Go(func() { r.lead(fault) })
		}
	}
}

// filler begins a cut if it is time for one and there is something to cut. Else it returns
// when to look again, or what tells that a fault is mended.
func (r *run) filler() (fault Fault, changed <-chan struct{}, next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait := fillAfter - time.Since(r.last); !r.last.IsZero() && wait > 0 {
		return Fault{}, nil, time.Since(r.start) + wait
	}
	for _, kind := range r.plan.Fillers {
		fault = Fault{Number: len(r.plan.Faults) + r.fillers + 1, Kind: kind, Target: Everyone, At: time.Since(r.start), Lasts: traits[kind].from}
		if together(r.underWay, fault, r.plan.Workers) {
			r.fillers++
			r.begin(fault)
			return fault, nil, 0
		}
	}
	return Fault{}, r.changed, 0
}
