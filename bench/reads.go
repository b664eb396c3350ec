package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// readsWorkload measures a client's point reads while count runs, against the same HGET of a
// bare Redis client; and count with and without somebody who reads.
func readsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	in, err := s.fill(ctx, moduleName("BenchReads"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	m := &counting{name: in.module}
	reader := &reading{s: s, m: m, p50: r.figure("reads", "ms p50", true), p99: r.figure("reads-p99", "ms p99", true)}
	f := r.figure("count-with-reads", "events/s", false)
	if err := s.prepareReads(ctx, in, m, reader); err != nil {
		return err
	}
	defer reader.client.Close()
	with := s.module(ours, newCounting)
	run := with.run
	with.run = func(ctx context.Context, in *input) (time.Duration, error) { return reader.during(ctx, in, run) }
	return alternate(ctx, in, f, o.rounds, 0, with, s.module("without-reads", newCounting))
}

// prepareReads runs the module once, so that a client finds it.
func (s *servers) prepareReads(ctx context.Context, in *input, m *counting, r *reading) error {
	if _, err := s.process(ctx, in, newCounting(in.module)); err != nil {
		return err
	}
	var err error
	if r.client, err = client.New(client.Config{Log: s.log, Store: s.store, Network: memtransport.New()}); err != nil {
		return err
	}
	return r.client.Use(ctx, m)
}

// reading reads while others write.
type reading struct {
	s        *servers
	m        *counting
	client   *client.Client
	p50, p99 *figure
}

// during reads, in turn through the client and bare, until the run is over.
func (r *reading) during(ctx context.Context, in *input, run func(context.Context, *input) (time.Duration, error)) (time.Duration, error) {
	var stop atomic.Bool
	var mine, bare []time.Duration
	var failure error
	var group sync.WaitGroup
	group.Go(func() {
		random := rand.New(rand.NewPCG(5, 6))
		for !stop.Load() && failure == nil {
			key := keyName(random.IntN(100_000))
			took, err := timed(func() error { _, err := r.m.Counts.Key(key).Get(r.client.At(ctx)); return err })
			mine, failure = append(mine, took), err
			table := "{" + task.Tag(in.module, task.Of([]byte(key), in.tasks), in.tasks) + "}:p:counts"
			took, err = timed(func() error { return r.s.redis.HGet(ctx, table, key).Err() })
			bare = append(bare, took)
			if err != nil && !errors.Is(err, redis.Nil) {
				failure = err
			}
		}
	})
	took, err := run(ctx, in)
	stop.Store(true)
	group.Wait()
	if err := errors.Join(err, failure); err != nil {
		return 0, fmt.Errorf("reads: %w", err)
	}
	r.p50.add(ours, quantile(mine, 0.5))
	r.p99.add(ours, quantile(mine, 0.99))
	r.p50.add("HGET", quantile(bare, 0.5))
	r.p99.add("HGET", quantile(bare, 0.99))
	return took, nil
}
