package simulation

import (
	"errors"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// spoil has handlers fail now and then behind all that they did, with an error or a
// panic that is not theirs: what they wrote and sent must be taken back, and their
// record must come again. Where records neither hop nor fail by themselves, nothing
// overtakes them, which their workload may rely on: there no handler fails.
func (w *world) spoil() {
	if !w.config.Workload.Hops && !w.config.Workload.Fails {
		return
	}
	for _, stream := range w.plan.Streams {
		for _, s := range stream.Sources {
			run := s.Run
			s.Run = func(ev *module.Event, r *depot.Record) error { return w.spoiled(run(ev, r)) }
		}
	}
	for _, s := range w.steps {
		run := s.Run
		s.Run = func(ev *module.Event, c wire.Column, i int) error { return w.spoiled(run(ev, c, i)) }
	}
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
