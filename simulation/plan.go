package simulation

import (
	"slices"

	"github.com/coppice-run/coppice/module"
)

// What follows from the module's plan, so that nobody has to say it.

// hops reports whether records have effects on several tasks.
func (w *world) hops() bool {
	return w.config.Workload.Hops || slices.ContainsFunc(w.plan.Streams, func(s *module.StreamPlan) bool { return len(s.Steps) > 0 || s.Microbatch })
}

// exactly reports whether an exactly-once stream reads a depot: an append to it may be told
// that nobody knows yet, and ask again (R29).
func (w *world) exactly(depot string) bool {
	return w.config.Workload.Exact || w.reads(depot, func(s *module.StreamPlan, _ *module.SourcePlan) bool { return s.ExactlyOnce })
}

// drops reports whether a source of a depot does not retry: its records may end without
// their effects.
func (w *world) drops(depot string) bool {
	return w.config.Workload.Drops || w.reads(depot, func(_ *module.StreamPlan, s *module.SourcePlan) bool { return s.Retry == module.RetriesNone })
}

// reads reports whether something holds for a source of a depot.
func (w *world) reads(depot string, holds func(*module.StreamPlan, *module.SourcePlan) bool) bool {
	for _, stream := range w.plan.Streams {
		for _, source := range stream.Sources {
			if source.Depot.Name == depot && holds(stream, source) {
				return true
			}
		}
	}
	return false
}
