package simulation

import (
	"errors"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// spoil returns a plan whose handlers fail now and then behind all that they did, with
// an error or a panic that is not theirs: what they wrote and sent must be taken back, and
// their record must come again. Where records neither hop nor fail by themselves, nothing
// overtakes them, which their workload may rely on: there no handler fails.
//
// The plan itself is that of a module's value for as long as the program runs; it is
// copied.
func (w *world) spoil(plan *module.Plan) *module.Plan {
	_, users := w.workload.(*usersCase) // whose records may be parked after few attempts
	l := &w.config.Workload
	if !l.Fails && (!l.Hops || users) || l.FewAttempts || !w.allowed[HandlerError] {
		return plan
	}
	spoiled := *plan
	spoiled.Streams = nil
	for _, stream := range plan.Streams {
		s := *stream
		s.Sources, s.Steps = nil, nil
		for _, source := range stream.Sources {
			if l.Ordered && source.Retry != module.RetriesAllAfter {
				s.Sources = append(s.Sources, source)
				continue
			}
			s.Sources = append(s.Sources, w.spoilSource(*source))
		}
		for _, step := range stream.Steps {
			s.Steps = append(s.Steps, w.spoilStep(*step))
		}
		spoiled.Streams = append(spoiled.Streams, &s)
	}
	return &spoiled
}

func (w *world) spoilSource(s module.SourcePlan) *module.SourcePlan {
	run := s.Run
	s.Run = func(ev *module.Event, r *depot.Record) error { return w.spoiled(run(ev, r)) }
	return &s
}

func (w *world) spoilStep(s module.StepPlan) *module.StepPlan {
	run := s.Run
	s.Run = func(ev *module.Event, c wire.Column, i int) error { return w.spoiled(run(ev, c, i)) }
	return &s
}

var errSpoiled = errors.New("the world has this handler fail")

func (w *world) spoiled(err error) error {
	if err != nil || !w.faulty(HandlerError) {
		return err
	}
	if w.chance(300) {
		panic(errSpoiled.Error())
	}
	return errSpoiled
}
