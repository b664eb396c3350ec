package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

// floorsWorkload measures what the parts alone can do: reading and writing the log, fields
// that Redis takes in transactions, and the round trip of one guarded transaction.
func floorsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	consume, produce := r.figure("floor-consume", "records/s", false), r.figure("floor-produce", "records/s", false)
	fields, trip := r.figure("floor-fields", "fields/s", false), r.figure("floor-exec", "ms p50", true)
	for range o.rounds {
		name := moduleName("BenchFloors")
		begin := time.Now()
		in, err := s.fill(ctx, name, "clicks", tasks, o.count, keysOf(100_000))
		if err != nil {
			return err
		}
		produce.add("franz-go", float64(in.records)/time.Since(begin).Seconds())
		took, err := timed(func() error { return s.consume(ctx, in) })
		s.drop(ctx, in)
		if err != nil {
			return err
		}
		consume.add("franz-go", float64(in.records)/took.Seconds())
		const each = 200_000
		took, err = timed(func() error { return s.writeFields(ctx, each, 500) })
		if err != nil {
			return err
		}
		fields.add("redis", 4*each/took.Seconds())
		samples, _, err := drive(1, 1000, func(_, i int) error { return s.writeFields(ctx, 1, 1) })
		if err != nil {
			return err
		}
		trip.add("redis", quantile(samples, 0.5))
	}
	return s.wipe(ctx, "BenchHand")
}

// consume reads a topic and does nothing with it.
func (s *servers) consume(ctx context.Context, in *input) error {
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.options.kafka), kgo.ConsumeTopics(in.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer reader.Close()
	for n := 0; n < in.records; {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return err
		}
		n += fetches.NumRecords()
	}
	return nil
}

// writeFields writes so many fields in transactions of so many; more than one of them over
// four connections.
func (s *servers) writeFields(ctx context.Context, fields, perCommit int) error {
	connections := 4
	if fields == 1 {
		connections = 1
	}
	errs := make(chan error, connections)
	var group sync.WaitGroup
	for c := range connections {
		group.Go(func() { errs <- s.writeTable(ctx, c, fields, perCommit) })
	}
	group.Wait()
	for range connections {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func (s *servers) writeTable(ctx context.Context, c, fields, perCommit int) error {
	table, progress := handKeys(c)
	for at := 0; at < fields; at += perCommit {
		args := []any{"HSET", table}
		for i := range perCommit {
			args = append(args, keyName((at+i)%100_000), strconv.Itoa(at))
		}
		_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Do(ctx, "MULTI")
			p.Do(ctx, args...)
			p.Do(ctx, "HSET", progress, "offset", at)
			p.Do(ctx, "EXEC")
			return nil
		})
		if err != nil {
			return fmt.Errorf("writing fields: %w", err)
		}
	}
	return nil
}
