package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// microbatchWorkload compares words as a microbatch topology with words as a stream that
// is at least once.
func microbatchWorkload(ctx context.Context, s *servers, o options, r *report) error {
	f := r.figure("microbatch", "events/s", false)
	return s.words(ctx, "BenchMicro", o, f, s.module(ours, newMicroWording), s.module("stream", newWording))
}

// applied waits until a microbatch topology has applied the whole topic on all tasks.
func (s *servers) applied(ctx context.Context, in *input, network transport.Network, m module.Module) error {
	c, err := client.New(client.Config{Log: s.log, Store: s.store, Network: network})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Use(ctx, m); err != nil {
		return err
	}
	// WaitMicrobatches would look every 50 ms in the end, which is not the topology's time.
	for {
		info, err := c.Microbatches(ctx, in.module, "words")
		if err != nil || info.Records >= int64(in.records) {
			return err
		}
		time.Sleep(appliedEvery)
	}
}

// appliedEvery is the pause between two looks at how far all tasks are.
const appliedEvery = 4 * time.Millisecond

// seeing counts records in microbatches, each on its own task.
type seeing struct {
	name   string
	Clicks module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *seeing) ModuleName() string { return m.name }

func (m *seeing) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(v string) string { return v }, module.Text())
	mb := b.Microbatch("count")
	mb.PState(&m.Counts, "counts")
	module.DeclareSource(mb, m.Clicks, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	}, module.StartFromBeginning())
}

// loneWorkload measures how long a record that comes alone takes from the begin of its
// append until readers see what its microbatch did. The floor is one produce, fetch and
// transaction.
func loneWorkload(ctx context.Context, s *servers, o options, r *report) error {
	p50, p99 := r.figure("lone", "ms p50", true), r.figure("lone-p99", "ms p99", true)
	for range o.rounds {
		samples, err := loneRecords(ctx, s, o.acks)
		if err != nil {
			return fmt.Errorf("lone: %w", err)
		}
		p50.add(ours, quantile(samples, 0.5))
		p99.add(ours, quantile(samples, 0.99))
		floor, _, err := floorAcked(ctx, s, 1, o.acks)
		if err != nil {
			return fmt.Errorf("lone, floor: %w", err)
		}
		p50.add("floor", quantile(floor, 0.5))
		p99.add("floor", quantile(floor, 0.99))
	}
	return nil
}

func loneRecords(ctx context.Context, s *servers, records int) ([]time.Duration, error) {
	m := &seeing{name: moduleName("BenchLone")}
	network := memtransport.New()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	w, err := worker.Start(ctx, worker.Config{Log: s.log, Store: s.store, Network: network, Tasks: tasks, Logger: quiet}, m)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = w.Stop(context.WithoutCancel(ctx))
		_ = s.wipe(context.WithoutCancel(ctx), m.name)
		s.dropTopics(context.WithoutCancel(ctx), depot.TopicName(m.name, "clicks"), depot.TopicName(m.name, "__meta"))
	}()
	c, err := client.New(client.Config{Log: s.log, Store: s.store, Network: network})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.Use(ctx, m); err != nil {
		return nil, err
	}
	const key = "lone"
	table := "{" + task.Tag(m.name, task.Of([]byte(key), tasks), tasks) + "}:p:counts"
	var samples []time.Duration
	for i := range records {
		took, err := timed(func() error {
			if _, err := m.Clicks.Append(ctx, c, key, module.Wait(module.AckAppend)); err != nil {
				return err
			}
			return s.shows(ctx, table, key, int64(i)+1)
		})
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first one meets the start
			samples = append(samples, took)
		}
	}
	return samples, nil
}

// lookEvery is the pause between two looks at a value: a look disturbs what it waits for.
const lookEvery = 100 * time.Microsecond

// shows waits until readers see a value.
func (s *servers) shows(ctx context.Context, table, field string, want int64) error {
	for {
		n, err := s.redis.HGet(ctx, table, field).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if n == want {
			return nil
		}
		time.Sleep(lookEvery)
	}
}
