package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// measure counts the topic once, and leaves the module as it was before.
func (in *input) measure(ctx context.Context, s subject, collector string) (usage, error) {
	took, err := in.count(ctx, s, collector)
	if err != nil {
		return took, fmt.Errorf("%s: %w", s.name, err)
	}
	return took, in.afresh(ctx)
}

// count counts the topic from its beginning, and returns how many seconds that took from the
// moment on at which the first task runs, how many more until the collector had the rest of what
// there was to send, and what all of it took of the process from a moment before.
func (in *input) count(ctx context.Context, s subject, collector string) (took usage, err error) {
	m := &counting{name: in.module}
	kafka, redis := kafkadepot.Config{Brokers: []string{in.options.kafka}}, redisstate.Config{Addresses: []string{in.options.redis}}
	config := worker.Config{Network: memtransport.New(), Tasks: tasks, Logger: slog.New(slog.DiscardHandler)}
	running := make(chan time.Time, 1)
	config.Listener = &runtime.Listener{Took: func(runtime.TookInfo) {
		select {
		case running <- time.Now():
		default:
		}
	}}
	unwire, err := s.wire(ctx, in.options, collector, &config, &kafka, &redis)
	if err != nil {
		return took, err
	}
	defer func() { _ = unwire() }()
	log, err := kafkadepot.Open(ctx, kafka)
	if err != nil {
		return took, err
	}
	defer log.Close()
	state, err := redisstate.Open(ctx, redis)
	if err != nil {
		return took, err
	}
	defer state.Close()
	config.Log, config.Store = log, state
	stop := func() error { return nil }
	if in.options.profiles != "" {
		if stop, err = profile(in.options.profiles, strings.ReplaceAll(s.name, " ", "-")); err != nil {
			return took, err
		}
	}
	goruntime.GC() // what the run before left is not this one's
	before, err := used()
	if err != nil {
		return took, err
	}
	w, err := worker.Start(ctx, config, m)
	if err != nil {
		return took, err
	}
	defer w.Stop(context.WithoutCancel(ctx))
	// Who looks every few milliseconds how far the worker is, is not the worker: it has connections
	// without telemetry in either case.
	c, err := client.New(client.Config{Log: in.log, Store: in.state, Network: config.Network})
	if err != nil {
		return took, err
	}
	defer c.Close()
	if err := c.Use(ctx, m); err != nil {
		return took, err
	}
	if err := caughtUp(ctx, c, m.name); err != nil {
		return took, err
	}
	counted := time.Now()
	if err := unwire(); err != nil { // what waits to be sent is the run's, too
		return took, err
	}
	left := time.Since(counted)
	after, err := used()
	if err = errors.Join(err, stop()); err != nil {
		return took, err
	}
	took = after.since(before)
	took.seconds, took.left = counted.Sub(<-running).Seconds(), left.Seconds()
	return took, in.check(ctx, c, m)
}

// caughtUp waits until every record is done and that is stored.
func caughtUp(ctx context.Context, c *client.Client, name string) error {
	for {
		all, err := c.Progress(ctx, name, "count")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(p client.SourceProgress) bool { return !p.Begun || p.Lag > 0 }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// check voids a run that has not counted what was written.
func (in *input) check(ctx context.Context, c *client.Client, m *counting) error {
	for key, n := range in.want {
		have, err := m.Counts.Key(key).Get(c.At(ctx))
		if err != nil {
			return err
		}
		if have != n {
			return fmt.Errorf("%s is counted %d times, and came %d times: the run is void", key, have, n)
		}
	}
	return nil
}
