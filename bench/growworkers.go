package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	engine "github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// What workers that reach each other over gRPC are compared with.
const (
	hopsInMemory = "in-memory"  // as many, with hops that do not leave the process
	oneWorker    = "one-worker" // all of whose hops are between tasks of its own
)

// growWorkersTimes is how many times the sentences of other points those with several workers are:
// the depot is filled anew for each round, so its length cannot follow from the one before.
const growWorkersTimes = 5

// hops is how so many workers reach each other.
type hops struct {
	label   string // of a line of the curve
	workers int
	network func() transport.Network // of the next worker
}

// growWorkers measures words with one, two and four workers that share the tasks, in turn: they
// are in this process, and reach each other over gRPC like processes, or by handing each other
// their frames. A curve has the medians, and figures the ratios of neighbours in time.
func growWorkers(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "workers", Title: "words against the number of workers on this machine", X: "workers", Y: "events/s"})
	memory := r.memoryOf(c, "memory of all workers on this machine, of the one process that they are in")
	const overGRPC, inMemory = "over gRPC", "in memory"
	rounds := map[string]map[int]*pointRounds{}
	for _, label := range []string{overGRPC, inMemory} {
		rounds[label] = map[int]*pointRounds{1: {}, 2: {}, 4: {}}
	}
	events := 10 * growWorkersTimes * o.words
	defer func() { s.use = nil }()
	figures := map[int]*figure{}
	for _, n := range []int{2, 4} {
		figures[n] = r.figure("workers-"+strconv.Itoa(n), "words/s", false)
		figures[n].Checked = "the final counts of each round equal the fold of the input"
	}
	for range o.rounds {
		for _, n := range []int{1, 2, 4} {
			inside := memtransport.New()
			for _, h := range []hops{
				{overGRPC, n, func() transport.Network { return grpctransport.New(grpctransport.Config{}) }},
				{inMemory, n, func() transport.Network { return inside }},
			} {
				if n == 1 && h.label == inMemory {
					continue // there is nobody to reach
				}
				s.use = &roundUse{s: s}
				rate, err := s.again(ctx, o, h, figures[max(n, 2)])
				if err != nil {
					return fmt.Errorf("%d, %s: %w", n, h.label, err)
				}
				heap, spent := s.use.last()
				rounds[h.label][n].add(rate, float64(events), heap, spent)
			}
		}
	}
	for _, label := range []string{overGRPC, inMemory} {
		for _, n := range []int{1, 2, 4} {
			if all := rounds[label][n]; len(all.rates) > 0 {
				p := all.point(events)
				c.addPoint(label, float64(n), p.rate, p)
				memory.add(label, float64(n), p.heap)
			}
		}
	}
	for n, f := range figures {
		f.Subjects = []*series{{ours, rounds[overGRPC][n].rates}, {hopsInMemory, rounds[inMemory][n].rates}, {oneWorker, rounds[overGRPC][1].rates}}
	}
	return nil
}

// again runs a round until no attempt of it failed, and notes how often.
func (s *servers) again(ctx context.Context, o options, h hops, f *figure) (rate float64, err error) {
	for try := 1; ; try++ {
		if rate, err = s.withWorkers(ctx, o, h); err == nil || try >= allowed(err) {
			return rate, err
		}
		f.again(fmt.Sprintf("%d workers, %s", h.workers, h.label), err)
	}
}

// withWorkers fills the depot while the topology is paused and all workers have tasks.
func (s *servers) withWorkers(ctx context.Context, o options, h hops) (rate float64, err error) {
	name := moduleName("GrowWorkers")
	r := &running{done: make(chan struct{})}
	var done atomic.Int64
	goal := int64(growWorkersTimes * o.words)
	var took []*atomic.Int64
	var c *client.Client
	in := &input{module: name, topic: depot.TopicName(name, "sentences")}
	defer func() { s.drop(ctx, in) }()
	for i := range h.workers {
		took = append(took, &atomic.Int64{})
		network := h.network()
		m := &wording{name: name}
		w, err := worker.Start(ctx, worker.Config{
			Log: s.log, Store: s.store, Network: network, Tasks: tasks, Logger: slog.New(slog.DiscardHandler),
			Options:     s.options.engine(),
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
	filled, err := s.fill(ctx, name, "sentences", tasks, growWorkersTimes*o.words, sentencesOf(10))
	if err != nil {
		return 0, err
	}
	in = filled
	seen := s.use.watch(ctx)
	defer seen()
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
	seen()
	if err := s.compareRetried(ctx, in, &wording{name: name}, r.retried(), s.counted); err != nil {
		return 0, err
	}
	counts, err := s.counted(ctx, in)
	if err != nil {
		return 0, err
	}
	return rate, in.check(counts)
}

// sharedOut is for how long no task is taken when the sharing has come to rest.
const sharedOut = time.Second

// shareOut waits until every worker has had a task, and the sharing has come to rest.
func shareOut(ctx context.Context, took []*atomic.Int64) error {
	for before, since := int64(-1), time.Now(); ; {
		all, idle := int64(0), false
		for _, t := range took {
			n := t.Load()
			all, idle = all+n, idle || n == 0
		}
		if idle || all != before {
			before, since = all, time.Now()
		} else if time.Since(since) > sharedOut {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
