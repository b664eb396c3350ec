package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	engine "github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// growWorkers measures words with one, two and four workers that share the tasks: they are in
// this process, and reach each other over gRPC like processes.
func growWorkers(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "workers", Title: "words against the number of workers on this machine", X: "workers", Y: "events/s",
		Reason: "More workers on one machine have no more processors: what is lost against one worker is what hops between workers cost over gRPC, half of them with two workers, three quarters with four, and what four workers cost that share two processors."})
	for _, n := range []int{1, 2, 4} {
		var rates []float64
		for range o.rounds {
			rate, err := s.withWorkers(ctx, o, n)
			for again := 0; errors.Is(err, errRetried) && again < tries; again++ {
				rate, err = s.withWorkers(ctx, o, n)
			}
			if err != nil {
				return err
			}
			rates = append(rates, rate)
		}
		c.add("words", float64(n), median(rates))
	}
	return nil
}

// withWorkers fills the depot while the topology is paused and all workers have tasks.
func (s *servers) withWorkers(ctx context.Context, o options, n int) (rate float64, err error) {
	name := moduleName("GrowWorkers")
	r := &running{done: make(chan struct{})}
	var done atomic.Int64
	goal := int64(o.words)
	var took []*atomic.Int64
	var c *client.Client
	in := &input{module: name, topic: depot.TopicName(name, "sentences")}
	defer func() { s.drop(ctx, in) }()
	for i := range n {
		took = append(took, &atomic.Int64{})
		network := grpctransport.New(grpctransport.Config{})
		m := &wording{name: name}
		w, err := worker.Start(ctx, worker.Config{
			Log: s.log, Store: s.store, Network: network, Tasks: tasks, Logger: slog.New(slog.DiscardHandler),
			Nominations: s.log.Group(kafkadepot.GroupConfig{}),
			Listener: &engine.Listener{
				Took:         func(engine.TookInfo) { took[i].Add(1) },
				RecordFailed: r.noteFailed,
				RecordDone: func(engine.RecordInfo) {
					if done.Add(1) == goal {
						close(r.done)
					}
				},
			},
		}, m)
		if err != nil {
			return 0, err
		}
		defer func() { _ = w.Stop(context.WithoutCancel(ctx)) }()
		if i == 0 {
			if c, err = client.New(client.Config{Log: s.log, Store: s.store, Network: network}); err != nil {
				return 0, err
			}
			defer c.Close()
			if err := errors.Join(c.Use(ctx, m), c.Pause(ctx, name, "words")); err != nil {
				return 0, err
			}
		}
	}
	if err := shareOut(ctx, took); err != nil {
		return 0, err
	}
	filled, err := s.fill(ctx, name, "sentences", tasks, o.words, sentencesOf(10))
	if err != nil {
		return 0, err
	}
	in = filled
	begin := time.Now()
	if err := c.Resume(ctx, name, "words"); err != nil {
		return 0, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	rate = float64(in.events) / time.Since(begin).Seconds()
	if err := r.retried(); err != nil {
		return 0, err
	}
	counts, err := s.counted(ctx, in)
	if err != nil {
		return 0, err
	}
	return rate, in.check(counts)
}

// shareOut waits until every worker has had a task, and the sharing has come to rest.
func shareOut(ctx context.Context, took []*atomic.Int64) error {
	for _, t := range took {
		for t.Load() == 0 {
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	select {
	case <-time.After(2 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
