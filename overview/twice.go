package overview

import (
	"context"
	"time"
)

// Twice tells how all modules are as All does, with what stands still: one look does not show
// that something does not get on. Where no topology has anything to do, one look says it all;
// else wait is called with how long a topology may have nothing finished, and is to return when
// that has passed, and the second look is told.
func (o *Overview) Twice(ctx context.Context, wait func(context.Context, time.Duration) error) ([]Entry, error) {
	all, err := o.All(ctx)
	if err != nil || !anyMayStand(all) {
		return all, err
	}
	if err := wait(ctx, standsAfter); err != nil {
		return nil, err
	}
	return o.All(ctx)
}

// anyMayStand reports whether a topology has something to do, and is not held by a person.
func anyMayStand(all []Entry) bool {
	for _, e := range all {
		if e.Module == nil {
			continue
		}
		for i := range e.Module.Topologies {
			if t := &e.Module.Topologies[i]; t.Lag > 0 && !t.Paused {
				return true
			}
		}
	}
	return false
}
