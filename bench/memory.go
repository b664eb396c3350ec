package main

import (
	"context"
	"fmt"
	"time"
)

// What a process does that counts, and nothing else.
const (
	counterOfOurs = "worker that counts"
	counterOfHand = "loop that counts"
)

// memoryWorkload measures the most memory that a process has resident while it counts a topic:
// a worker with all tasks, and the loop, each in a process of its own that knows nothing else.
// The counts are checked from here.
func memoryWorkload(ctx context.Context, s *servers, o options, r *report) error {
	in, err := s.fill(ctx, moduleName("BenchMemory"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	f := r.figure("memory", "MB resident", true)
	f.Checked = in.checked()
	subjects := []*apart{s.apart(ours, counterOfOurs, s.module(ours, newCounting)), s.apart("handrolled", counterOfHand, s.handWritten(false))}
	for range o.rounds {
		for _, x := range subjects {
			if _, err := x.round(ctx, in, f); err != nil {
				return fmt.Errorf("memory, %s: %w", x.name, err)
			}
			f.add(x.name, x.megabytes)
		}
	}
	return nil
}

// apart is a subject that runs in a process of its own, and the most memory that its last round had.
type apart struct {
	subject
	megabytes float64
}

// apart has a process of its own run what a subject does. A round in which attempts failed is run
// again like others; its counts are not compared, since events that are tried again end with the process.
func (s *servers) apart(name, does string, of subject) *apart {
	x := &apart{subject: of}
	x.name = name
	x.run = func(ctx context.Context, in *input) (time.Duration, error) {
		return timed(func() (err error) {
			if x.megabytes, err = s.residentApart(ctx, does, in); err != nil {
				return err
			}
			return of.verify(ctx, in)
		})
	}
	return x
}

// residentApart has a process of its own count an input, and tells the most memory that it had.
func (s *servers) residentApart(ctx context.Context, does string, in *input) (float64, error) {
	c, err := startChild(ctx, role{Does: does, Kafka: s.options.kafka, Redis: s.options.redis, Module: in.module, Topic: in.topic, Batch: s.options.batchMax()})
	if err != nil {
		return 0, err
	}
	a, err := c.order(ctx, order{Each: in.events})
	if end := c.close(); err == nil {
		err = end
	}
	if err != nil {
		return 0, err
	}
	return a.ResidentMB, nil
}

// counter counts the events of a topic in this process, from its beginning.
type counter struct {
	s   *servers
	in  *input
	run func(ctx context.Context, in *input) error
}

func newOursCounter(ctx context.Context, p role) (orders, error) {
	return newCounter(ctx, p, func(s *servers) func(context.Context, *input) error {
		return func(ctx context.Context, in *input) error {
			_, err := s.process(ctx, in, newCounting(in.module), nil)
			return err
		}
	})
}

func newHandCounter(ctx context.Context, p role) (orders, error) {
	return newCounter(ctx, p, func(s *servers) func(context.Context, *input) error {
		return func(ctx context.Context, in *input) error {
			return s.handOf(in.topic, false).run(ctx, in.events)
		}
	})
}

func newCounter(ctx context.Context, p role, run func(*servers) func(context.Context, *input) error) (orders, error) {
	s, err := connect(ctx, options{kafka: p.Kafka, redis: p.Redis, batch: p.Batch})
	if err != nil {
		return nil, err
	}
	return &counter{s: s, in: &input{module: p.Module, topic: p.Topic, tasks: tasks}, run: run(s)}, nil
}

func (c *counter) order(ctx context.Context, o order) (*answer, error) {
	c.in.records, c.in.events = o.Each, o.Each
	if err := c.run(ctx, c.in); err != nil {
		return nil, err
	}
	return &answer{ResidentMB: peakResident()}, nil
}

func (c *counter) close() error {
	c.s.close()
	return nil
}
