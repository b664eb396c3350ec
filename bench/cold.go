package main

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// coldWorkload is count with a key of its own for each record, which Redis has and the
// worker's memory has not: every event reads. It is compared with count.
func coldWorkload(ctx context.Context, s *servers, o options, r *report) error {
	warm, err := s.fill(ctx, moduleName("BenchWarm"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer s.drop(ctx, warm)
	in, err := s.fill(ctx, moduleName("BenchCold"), "clicks", tasks, o.count, distinctKeys())
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	f := r.figure("cold", "events/s", false)
	count := s.module("count", newCounting)
	count.in = warm
	return alternate(ctx, in, f, o.rounds, 0, s.stored1(ours, newCounting, false), count)
}

// stored1 is the engine with a module whose keys lie in Redis already, each with the count 1;
// in their order where the module's counts are sorted.
func (s *servers) stored1(name string, define func(module string) module.Module, sorted bool) subject {
	c := s.module(name, define)
	afresh := c.before
	c.before = func(ctx context.Context, in *input) error {
		if err := afresh(ctx, in); err != nil {
			return err
		}
		return s.store1(ctx, in, sorted)
	}
	since := func(ctx context.Context, in *input) (map[string]int64, error) {
		counts, err := s.counted(ctx, in)
		for k := range counts {
			counts[k]-- // what was there before
		}
		return counts, err
	}
	c.run = func(ctx context.Context, in *input) (time.Duration, error) {
		took, err := s.process(ctx, in, define(in.module), since)
		if err != nil {
			return 0, err
		}
		counts, err := since(ctx, in)
		if err != nil {
			return 0, err
		}
		return took, in.check(counts)
	}
	return c
}

// store1 gives every key of an input the count 1.
func (s *servers) store1(ctx context.Context, in *input, sorted bool) error {
	const perTrip = 1_000
	pending := make([][]string, in.tasks)
	flush := func(i int) error {
		pipe := s.redis.Pipeline()
		var fields []any
		var order []redis.Z
		for _, k := range pending[i] {
			fields, order = append(fields, k, "1"), append(order, redis.Z{Member: k})
		}
		pipe.HSet(ctx, in.table("p", task.ID(i)), fields...)
		if sorted {
			pipe.ZAdd(ctx, in.table("i", task.ID(i)), order...)
		}
		pending[i] = pending[i][:0]
		_, err := pipe.Exec(ctx)
		return err
	}
	for k := range in.fold {
		i := int(task.Of([]byte(k), in.tasks))
		if pending[i] = append(pending[i], k); len(pending[i]) >= perTrip {
			if err := flush(i); err != nil {
				return err
			}
		}
	}
	for i := range pending {
		if len(pending[i]) > 0 {
			if err := flush(i); err != nil {
				return err
			}
		}
	}
	return nil
}
