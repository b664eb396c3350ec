package main

import (
	"context"
	"time"

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
	f := r.figure("cold", "events/s", false, goal{"count", 0.4})
	count := s.module("count", newCounting)
	count.in = warm
	return alternate(ctx, in, f, o.rounds, 0, s.cold(ours), count)
}

// cold is the engine with a module whose keys lie in Redis already, each with the count 1.
func (s *servers) cold(name string) subject {
	c := s.module(name, newCounting)
	afresh := c.before
	c.before = func(ctx context.Context, in *input) error {
		if err := afresh(ctx, in); err != nil {
			return err
		}
		return s.store1(ctx, in)
	}
	c.run = func(ctx context.Context, in *input) (time.Duration, error) {
		took, err := s.process(ctx, in, newCounting(in.module))
		if err != nil {
			return 0, err
		}
		counts, err := s.counted(ctx, in)
		for k := range counts {
			counts[k]-- // what was there before
		}
		if err != nil {
			return 0, err
		}
		return took, in.check(counts)
	}
	return c
}

// store1 gives every key of an input the count 1.
func (s *servers) store1(ctx context.Context, in *input) error {
	tables := make([][]any, in.tasks)
	flush := func(i int) error {
		table := "{" + task.Tag(in.module, task.ID(i), in.tasks) + "}:p:counts"
		err := s.redis.HSet(ctx, table, tables[i]...).Err()
		tables[i] = tables[i][:0]
		return err
	}
	for k := range in.fold {
		i := int(task.Of([]byte(k), in.tasks))
		if tables[i] = append(tables[i], k, "1"); len(tables[i]) >= 2_000 {
			if err := flush(i); err != nil {
				return err
			}
		}
	}
	for i := range tables {
		if len(tables[i]) > 0 {
			if err := flush(i); err != nil {
				return err
			}
		}
	}
	return nil
}
