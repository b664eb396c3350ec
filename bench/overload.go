package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	engine "github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// Overload: so many appenders, each of which appends again at once when it is answered or
// shed, while a task lets so many wait.
const (
	overloadAppenders = 2_000
	overloadWaiting   = 100
	overloadSeconds   = 3
)

// overloadWorkload has far more append than is processed: those whom a task cannot let wait
// are told ErrThrottled. What was accepted is to stay quick, memory bounded, and every record
// that is in the depot is to be counted in the end, answered or shed.
func overloadWorkload(ctx context.Context, s *servers, o options, r *report) error {
	p99 := r.figure("overload", "ms p99 of those that were let wait", true)
	shed := r.figure("overload-shed", "% of the appends", true)
	heap := r.figure("overload-heap", "MB, appenders included", true)
	for range min(o.rounds, 3) {
		l, err := overloaded(ctx, s)
		if err != nil {
			return fmt.Errorf("overload: %w", err)
		}
		p99.add(ours, quantile(l.samples, 0.99))
		shed.add(ours, 100*float64(l.shed)/float64(l.shed+len(l.samples)))
		heap.add(ours, l.heap)
	}
	p99.Checked = "every record that was appended is counted once in the end, also those whose appends were shed"
	return nil
}

// load is what an overload brought.
type load struct {
	samples []time.Duration // of appends that were answered
	shed    int
	heap    float64
}

func overloaded(ctx context.Context, s *servers) (*load, error) {
	m := &asking{name: moduleName("BenchLoad")}
	network := memtransport.New()
	w, err := worker.Start(ctx, worker.Config{
		Log: s.log, Store: s.store, Network: network, Tasks: tasks, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Options: engine.Options{AwaitsMax: overloadWaiting},
	}, m)
	if err != nil {
		return nil, err
	}
	l := &live{s: s, name: m.name, depots: []string{"clicks"}, worker: w}
	defer l.end(ctx)
	if l.client, err = client.New(client.Config{Log: s.log, Store: s.store, Network: network}); err != nil {
		return nil, err
	}
	if err := l.client.Use(ctx, m); err != nil {
		return nil, err
	}
	out := &load{}
	in := &input{module: m.name, tasks: tasks, fold: map[string]int64{}}
	if err := out.press(ctx, m, l.client, in); err != nil {
		return nil, err
	}
	// A last append for each appender's key is answered behind all that was shed.
	for key := range in.fold {
		if _, err := m.Clicks.Append(ctx, l.client, key); err != nil {
			return nil, err
		}
		in.fold[key]++
	}
	counts, err := s.counted(ctx, in)
	if err != nil {
		return nil, err
	}
	return out, in.check(counts)
}

// press appends from all sides for some seconds.
func (l *load) press(ctx context.Context, m *asking, c *client.Client, in *input) error {
	var mu sync.Mutex
	var group sync.WaitGroup
	var failure atomic.Pointer[error]
	end := time.Now().Add(overloadSeconds * time.Second)
	for a := range overloadAppenders {
		key := "key-" + strconv.Itoa(a)
		group.Go(func() {
			var samples []time.Duration
			shed := 0
			for time.Now().Before(end) && failure.Load() == nil {
				took, err := timed(func() error { _, err := m.Clicks.Append(ctx, c, key); return err })
				switch {
				case err == nil:
					samples = append(samples, took)
				case errors.Is(err, client.ErrThrottled):
					shed++
				default:
					failure.Store(&err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			l.samples = append(l.samples, samples...)
			l.shed += shed
			in.fold[key] = int64(len(samples) + shed)
		})
	}
	for time.Now().Before(end) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		l.heap = max(l.heap, float64(stats.HeapInuse)/1e6)
		time.Sleep(100 * time.Millisecond)
	}
	group.Wait()
	if err := failure.Load(); err != nil {
		return *err
	}
	if len(l.samples) == 0 {
		return errors.New("no append was answered")
	}
	return nil
}
