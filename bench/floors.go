package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/task"
)

// What floors are measured with.
const (
	floorRecords     = 500_000 // that are made before any is produced; more are the same again
	floorKeys        = 100_000
	floorFields      = 200_000 // of a connection
	floorPerCommit   = 500
	floorConnections = 4
)

// floorsWorkload measures what the parts alone can do: reading and writing the log, fields
// that Redis takes in transactions, and the round trip of one guarded transaction. What is
// written is made before: making it is not the floor's.
func floorsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	consume, produce := r.figure("floor-consume", "records/s", false), r.figure("floor-produce", "records/s", false)
	fields, trip := r.figure("floor-fields", "fields/s", false), r.figure("floor-exec", "ms p50", true)
	commits, one := commitsOf(floorFields, floorPerCommit), commitsOf(1, 1)[:1]
	for range o.rounds {
		in, took, err := s.produceFloor(ctx, o.count)
		if err != nil {
			return err
		}
		produce.add("franz-go", float64(in.records)/took.Seconds())
		took, err = timed(func() error { return s.consume(ctx, in) })
		s.drop(ctx, in)
		if err != nil {
			return err
		}
		consume.add("franz-go", float64(in.records)/took.Seconds())
		took, err = timed(func() error { return s.writeTables(ctx, commits) })
		if err != nil {
			return err
		}
		fields.add("redis", floorConnections*floorFields/took.Seconds())
		samples, _, err := drive(1, 1000, func(_, i int) error { return s.writeTables(ctx, one) })
		if err != nil {
			return err
		}
		trip.add("redis", quantile(samples, 0.5))
	}
	return s.wipe(ctx, "BenchHand")
}

// produceFloor makes a topic of so many records, and returns how long producing them took.
func (s *servers) produceFloor(ctx context.Context, records int) (in *input, took time.Duration, err error) {
	if in, err = s.fill(ctx, moduleName("BenchFloors"), "clicks", tasks, 0, nil); err != nil {
		return nil, 0, err
	}
	made, next := make([]kgo.Record, min(records, floorRecords)), keysOf(floorKeys)
	for i := range made {
		key, value, _ := next()
		made[i] = kgo.Record{Topic: in.topic, Partition: int32(task.Of(key, tasks)), Key: key, Value: value}
	}
	var mu sync.Mutex
	var failure error
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			mu.Lock()
			failure = err
			mu.Unlock()
		}
	}
	begin := time.Now()
	for in.records < records {
		n := min(len(made), records-in.records)
		for i := range made[:n] {
			s.kafka.Produce(ctx, &made[i], promise)
		}
		if err := errors.Join(s.kafka.Flush(ctx), failure); err != nil { // the records are free again
			s.drop(ctx, in)
			return nil, 0, err
		}
		in.records += n
	}
	return in, time.Since(begin), nil
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
		if err := fetchFailure(fetches); err != nil {
			return err
		}
		n += fetches.NumRecords()
	}
	return nil
}

// commitsOf makes the transactions that write so many fields, so many in each, for each of the
// connections: commands of HSET and the offset that goes with each.
func commitsOf(fields, perCommit int) (of [][]floorCommit) {
	names := make([]any, min(fields, floorKeys))
	for i := range names {
		names[i] = keyName(i)
	}
	for c := range floorConnections {
		table, progress := handKeys(c)
		var commits []floorCommit
		for at := 0; at < fields; at += perCommit {
			counts, value := []any{"HSET", table}, any(strconv.Itoa(at))
			for i := range perCommit {
				counts = append(counts, names[(at+i)%len(names)], value)
			}
			commits = append(commits, floorCommit{counts, []any{"HSET", progress, "offset", value}})
		}
		of = append(of, commits)
	}
	return of
}

// floorCommit is what one transaction has.
type floorCommit struct{ counts, progress []any }

// writeTables writes transactions, over a connection for each of the tables.
func (s *servers) writeTables(ctx context.Context, of [][]floorCommit) error {
	errs := make([]error, len(of))
	var group sync.WaitGroup
	for c, commits := range of {
		write := func() { errs[c] = s.writeTable(ctx, commits) }
		if c == len(of)-1 {
			write()
		} else {
			group.Go(write)
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

func (s *servers) writeTable(ctx context.Context, commits []floorCommit) error {
	for _, c := range commits {
		_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Do(ctx, "MULTI")
			p.Do(ctx, c.counts...)
			p.Do(ctx, c.progress...)
			p.Do(ctx, "EXEC")
			return nil
		})
		if err != nil {
			return fmt.Errorf("writing fields: %w", err)
		}
	}
	return nil
}
