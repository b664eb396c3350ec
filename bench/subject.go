package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/module"
	engine "github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// subject is who processes an input, and tells how long that took. Its counts have been
// compared with the fold of the input.
type subject struct {
	name string
	run  func(ctx context.Context, in *input) (time.Duration, error)
	// bare is run without the comparison; nil: it cannot be told apart.
	bare func(ctx context.Context, in *input) (time.Duration, error)
	// verify compares what is stored with the fold of the input; run has done that.
	verify func(ctx context.Context, in *input) error
	// before prepares a round, outside the time; nil: nothing.
	before func(ctx context.Context, in *input) error
	// in, if set, is processed instead of the input of the others.
	in *input
}

// running is a worker in this process with what a round has to know of it.
type running struct {
	worker  *worker.Worker
	network *memtransport.Network
	done    chan struct{} // closed when so many events are committed as were asked for
	failed  atomic.Int64  // attempts
	first   atomic.Pointer[string]
}

func (r *running) noteFailed(i engine.RecordInfo) {
	r.first.CompareAndSwap(nil, &i.Err)
	r.failed.Add(1)
}

// errRetried: a round of an at-least-once topology says nothing of speed, and may count twice
// what it tried again. It happens when tasks begin at different times.
var errRetried = errors.New("attempts failed and were tried again")

// retried says which attempts failed: each may count its events again.
func (r *running) retried() error {
	if n := r.failed.Load(); n > 0 {
		return fmt.Errorf("%w: %d, the first since: %s", errRetried, n, *r.first.Load())
	}
	return nil
}

// startWorker starts a worker with all tasks of a module. What is counted are the events of
// commits, or, where events hop, the records that are done: one that is tried again counts
// its events again.
func (s *servers) startWorker(ctx context.Context, m module.Module, tasks int, goal int64) (*running, error) {
	r := &running{network: memtransport.New(), done: make(chan struct{})}
	var count atomic.Int64
	add := func(more int64) {
		if n := count.Add(more); n >= goal && n-more < goal {
			close(r.done)
		}
	}
	listener := &engine.Listener{BatchCommitted: func(i engine.BatchInfo) {
		s.reading.committed()
		add(int64(i.Events))
	}}
	if _, hops := m.(interface{ hops() }); hops {
		listener = &engine.Listener{RecordDone: func(engine.RecordInfo) { add(1) }}
	}
	listener.RecordFailed = r.noteFailed
	var err error
	r.worker, err = worker.Start(ctx, worker.Config{
		Log: s.log, Store: s.store, Network: r.network, Tasks: tasks, Logger: slog.New(slog.DiscardHandler), Listener: listener,
		Options: s.options.engine(),
	}, m)
	return r, err
}

// checked has a subject's runs end with the comparison.
func (x subject) checked() subject {
	run := x.run
	x.bare = run
	x.run = func(ctx context.Context, in *input) (time.Duration, error) {
		took, err := run(ctx, in)
		if err != nil {
			return 0, err
		}
		return took, x.verify(ctx, in)
	}
	return x
}

// module is the engine with a module, from an empty store, or with what before leaves there,
// until every event of the topic is committed. Starting is in the time.
func (s *servers) module(name string, define func(module string) module.Module) subject {
	return subject{
		name:   name,
		before: func(ctx context.Context, in *input) error { return s.afresh(ctx, in.module, in.tasks) },
		run: func(ctx context.Context, in *input) (time.Duration, error) {
			return s.process(ctx, in, define(in.module), s.counted)
		},
		verify: s.compare,
	}.checked()
}

// compare holds what a module has counted against the fold of the input.
func (s *servers) compare(ctx context.Context, in *input) error {
	counts, err := s.counted(ctx, in)
	if err != nil {
		return err
	}
	return in.check(counts)
}

// process runs a module until all events of its input are committed. Where attempts failed, what
// counts tells is compared all the same; without counts, nothing is.
func (s *servers) process(ctx context.Context, in *input, m module.Module, counts countsOf) (time.Duration, error) {
	words, isWords := m.(*wording)
	var r *running
	seen := s.use.watch(ctx)
	defer seen()
	end := s.reading.begin(ctx)
	took, err := timed(func() (err error) {
		if r, err = s.startWorker(ctx, m, in.tasks, int64(in.records)); err != nil {
			return err
		}
		if isWords && words.micro {
			return s.applied(ctx, in, r.network, m)
		}
		select {
		case <-r.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	end()
	seen()
	if r != nil && r.worker != nil {
		if err == nil {
			err = s.compareRetried(ctx, in, m, r.retried(), counts)
		}
		if stop := r.worker.Stop(context.WithoutCancel(ctx)); err == nil {
			err = stop
		}
	}
	return took, err
}

// counted reads what a module has counted, from its slots.
func (s *servers) counted(ctx context.Context, in *input) (map[string]int64, error) {
	counts := map[string]int64{}
	for i := range in.tasks {
		table := "{" + task.Tag(in.module, task.ID(i), in.tasks) + "}:p:counts"
		if err := addCounts(ctx, s.redis, table, counts); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// handWritten is the loop that one would write by hand.
func (s *servers) handWritten(words bool) subject {
	return subject{
		name:   "handrolled",
		before: func(ctx context.Context, _ *input) error { return s.wipe(ctx, "BenchHand") },
		run: func(ctx context.Context, in *input) (time.Duration, error) {
			return timed(func() error { return s.handOf(in.topic, words).run(ctx, in.events) })
		},
		verify: func(ctx context.Context, in *input) error {
			counts := map[string]int64{}
			for p := range tasks {
				table, _ := handKeys(p)
				if err := addCounts(ctx, s.redis, table, counts); err != nil {
					return err
				}
			}
			return in.check(counts)
		},
	}.checked()
}

// peer is a program of another engine.
func (j *jvm) peer(name, workload, guarantee string) clocked {
	return clock(subject{name: name}, func(ctx context.Context, in *input) ([]part, error) {
		parts, counts, err := j.round(workload, guarantee, in)
		if err != nil {
			return nil, err
		}
		return parts, in.check(counts)
	})
}
