package main

import (
	"context"
	"fmt"
	"io"
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
	// before prepares a round, outside the time; nil: nothing.
	before func(ctx context.Context, in *input) error
}

// running is a worker in this process with what a round has to know of it.
type running struct {
	worker  *worker.Worker
	network *memtransport.Network
	done    chan struct{} // closed when so many events are committed as were asked for
}

// startWorker starts a worker with all tasks of a module.
func (s *servers) startWorker(ctx context.Context, m module.Module, tasks int, events int64) (*running, error) {
	r := &running{network: memtransport.New(), done: make(chan struct{})}
	var committed atomic.Int64
	var err error
	r.worker, err = worker.Start(ctx, worker.Config{
		Log: s.log, Store: s.store, Network: r.network, Tasks: tasks, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Listener: &engine.Listener{BatchCommitted: func(i engine.BatchInfo) {
			if n := committed.Add(int64(i.Events)); n >= events && n-int64(i.Events) < events {
				close(r.done)
			}
		}},
	}, m)
	return r, err
}

// module is the engine with a module, from an empty store, or with what before leaves there,
// until every event of the topic is committed. Starting is in the time.
func (s *servers) module(name string, define func(module string) module.Module) subject {
	return subject{
		name:   name,
		before: func(ctx context.Context, in *input) error { return s.afresh(ctx, in.module, in.tasks) },
		run: func(ctx context.Context, in *input) (time.Duration, error) {
			m := define(in.module)
			took, err := s.process(ctx, in, m)
			if err != nil {
				return 0, err
			}
			counts, err := s.counted(ctx, in)
			if err != nil {
				return 0, err
			}
			return took, in.check(counts)
		},
	}
}

// process runs a module until all events of its input are committed.
func (s *servers) process(ctx context.Context, in *input, m module.Module) (time.Duration, error) {
	words, ok := m.(*wording)
	goal := int64(in.records)
	if ok {
		goal += int64(in.events) // the root of each tree is an event, too
	}
	var r *running
	took, err := timed(func() (err error) {
		if r, err = s.startWorker(ctx, m, in.tasks, goal); err != nil {
			return err
		}
		if ok && words.micro {
			return s.applied(ctx, in, r.network, m)
		}
		select {
		case <-r.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if r != nil && r.worker != nil {
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
			took, err := timed(func() error { return (&hand{s: s, topic: in.topic, words: words}).run(ctx, in.events) })
			if err != nil {
				return 0, err
			}
			counts := map[string]int64{}
			for p := range tasks {
				table, _ := handKeys(p)
				if err := addCounts(ctx, s.redis, table, counts); err != nil {
					return 0, err
				}
			}
			return took, in.check(counts)
		},
	}
}

// peer is a program of another engine.
func (j *jvm) peer(name, workload, guarantee string) subject {
	return subject{name: name, run: func(ctx context.Context, in *input) (time.Duration, error) {
		took, counts, err := j.round(workload, guarantee, in.topic, in.events)
		if err != nil {
			return 0, err
		}
		return took, in.check(counts)
	}}
}

// alternate has the subjects process an input in turn, in so many rounds, and notes
// events per second. The first rounds, so many, are a warm-up that does not count.
func alternate(ctx context.Context, in *input, f *figure, rounds, warm int, subjects ...subject) error {
	f.Checked = fmt.Sprintf("the final counts of each round equal the fold of the input (%d keys, %d events)", len(in.fold), in.events)
	for round := range warm + rounds {
		for _, subject := range subjects {
			if subject.before != nil {
				if err := subject.before(ctx, in); err != nil {
					return fmt.Errorf("%s, before %s: %w", f.Workload, subject.name, err)
				}
			}
			took, err := subject.run(ctx, in)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", f.Workload, subject.name, err)
			}
			if round >= warm {
				f.add(subject.name, float64(in.events)/took.Seconds())
			}
		}
	}
	return nil
}
