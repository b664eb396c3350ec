package simulation

import (
	"context"
	"errors"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// observe returns a plan whose handlers' errors are known as theirs, and which fail now and
// then behind all that they did, with an error or a panic that is not: what they wrote and
// sent must be taken back, and their record must come again. Where records neither hop nor
// fail by themselves, nothing overtakes them, which their workload may rely on: there no
// handler is made to fail.
//
// The plan itself is that of a module's value for as long as the program runs; it is
// copied.
func (w *world) observe(plan *module.Plan) *module.Plan {
	_, users := w.workload.(*usersCase) // whose records may be parked after few attempts
	l := &w.config.Workload
	spoils := (l.Fails || l.Hops && !users) && !l.FewAttempts && w.allowed[HandlerError]
	observed := *plan
	observed.Streams = nil
	for _, stream := range plan.Streams {
		s := *stream
		s.Sources, s.Steps = nil, nil
		for _, source := range stream.Sources {
			s.Sources = append(s.Sources, w.observeSource(*source, spoils && (!l.Ordered || source.Retry == module.RetriesAllAfter)))
		}
		for _, step := range stream.Steps {
			s.Steps = append(s.Steps, w.observeStep(*step, spoils))
		}
		observed.Streams = append(observed.Streams, &s)
	}
	return &observed
}

func (w *world) observeSource(s module.SourcePlan, spoils bool) *module.SourcePlan {
	run := s.Run
	s.Run = func(ev *module.Event, r *depot.Record) error {
		defer w.tell(func() string { return recordText(r) })
		return w.handled(run(ev, r), spoils)
	}
	return &s
}

func (w *world) observeStep(s module.StepPlan, spoils bool) *module.StepPlan {
	run, call, called := s.Run, s.Call, s.Called
	s.Run = func(ev *module.Event, c wire.Column, i int) error {
		defer w.tell(func() string { return payloadText(c, i) })
		return w.handled(run(ev, c, i), spoils)
	}
	if call != nil {
		s.Call = func(ctx context.Context, c wire.Column, i int) ([]byte, error) {
			result, err := call(ctx, c, i)
			return result, w.handled(err, false)
		}
		s.Called = func(ev *module.Event, result []byte) error {
			defer w.tell(func() string { return "result " + shortened(string(result)) })
			return w.handled(called(ev, result), false)
		}
	}
	return &s
}

// handlerError is an error that a handler has returned: none that the engine made up.
type handlerError struct{ error }

func (e handlerError) Unwrap() error { return e.error }

var errSpoiled = errors.New("the world has this handler fail")

// handled is what the engine hears of a handler that has ended.
func (w *world) handled(err error, spoils bool) error {
	switch {
	case err != nil:
		return handlerError{err}
	case !spoils || !w.faulty(HandlerError):
		return nil
	case w.chance(300):
		panic(errSpoiled.Error())
	}
	return errSpoiled
}
