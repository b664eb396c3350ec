package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	engine "github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// The chart of what a microbatch costs in time: how large one may be, and how much comes.
var (
	visibleSizes = []int{10, 100, 1_000, 10_000}            // records of a source on a task
	visibleLoads = []int{100, 1_000, 5_000, 20_000, 60_000} // records/s beside those that are measured
)

const (
	visibleProbes = 100 // measured appends of a point
	visibleKeys   = 10_000
)

// visibleWorkload measures how long a record takes from the begin of its append until readers
// see what its microbatch did, while others come at a rate that does not wait for anything. A
// point whose load is more than the topology gets through is left out: there the time grows
// with the run.
func visibleWorkload(ctx context.Context, s *servers, _ options, r *report) error {
	p50 := r.curve(&curve{Name: "visible-p50", Title: "append to visible, median, by the bound of a microbatch", X: "records/s beside", Y: "ms", LogX: true})
	p99 := r.curve(&curve{Name: "visible-p99", Title: "append to visible, 99th percentile", X: "records/s beside", Y: "ms", LogX: true})
	for _, size := range visibleSizes {
		for _, load := range visibleLoads {
			v := &visible{s: s, size: size, load: load}
			samples, kept, err := v.measure(ctx)
			if err != nil {
				return fmt.Errorf("visible, %d records at %d/s: %w", size, load, err)
			}
			if !kept {
				break
			}
			label := strconv.Itoa(size) + " records"
			p50.add(label, float64(load), quantile(samples, 0.5))
			p99.add(label, float64(load), quantile(samples, 0.99))
		}
	}
	return nil
}

// visible is one point of the chart.
type visible struct {
	s          *servers
	size, load int
	appended   atomic.Int64 // of the load
	probed     int64        // that were measured
}

// measure returns the times of the probes, and whether the topology kept up with the load.
func (v *visible) measure(ctx context.Context) (samples []time.Duration, kept bool, err error) {
	m := &seeing{name: moduleName("BenchVisible")}
	network := memtransport.New()
	w, err := worker.Start(ctx, worker.Config{
		Log: v.s.log, Store: v.s.store, Network: network, Tasks: tasks, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Options: engine.Options{MicrobatchRecordsMax: v.size},
	}, m)
	if err != nil {
		return nil, false, err
	}
	l := &live{s: v.s, name: m.name, depots: []string{"clicks"}, worker: w}
	defer l.end(ctx)
	if l.client, err = client.New(client.Config{Log: v.s.log, Store: v.s.store, Network: network}); err != nil {
		return nil, false, err
	}
	if err := l.client.Use(ctx, m); err != nil {
		return nil, false, err
	}
	pressing, stop := context.WithCancel(ctx)
	pressed := make(chan error, 1)
	go func() { pressed <- v.press(pressing, m, l.client) }()
	samples, err = v.probe(ctx, m, l.client)
	// What lies before the topology when the load ends tells whether it kept up: less than
	// half a second of it, or two microbatches.
	done, failure := v.processed(ctx, m)
	behind := v.appended.Load() + v.probed - done
	stop()
	if err = errors.Join(err, failure, <-pressed); err != nil {
		return nil, false, err
	}
	return samples, behind < max(int64(v.load)/2, 2*tasks*int64(v.size)), v.check(ctx, m)
}

// visiblePatience is how long what lies before the topology when the load has ended may take.
const visiblePatience = 2 * time.Minute

// check waits until all that was appended is counted, and voids the point if it is not, or if more
// is: microbatches count once.
func (v *visible) check(ctx context.Context, m *seeing) error {
	appended := v.appended.Load() + v.probed
	for begin := time.Now(); ; {
		done, err := v.processed(ctx, m)
		switch {
		case err != nil:
			return err
		case done == appended:
			return nil
		case done > appended || time.Since(begin) > visiblePatience:
			return fmt.Errorf("%d records are counted, and %d were appended", done, appended)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// press appends the load, in ticks of ten milliseconds, whether or not anything is answered.
func (v *visible) press(ctx context.Context, m *seeing, c *client.Client) error {
	bulk := client.NewBulk(c, m.Clicks, client.BulkConfig{Window: 100_000})
	begin := time.Now()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return bulk.Close()
		case now := <-ticker.C:
			for due := int64(now.Sub(begin).Seconds() * float64(v.load)); v.appended.Load() < due; {
				key := "key-" + strconv.Itoa(int(v.appended.Add(1))%visibleKeys)
				if err := bulk.Append(context.WithoutCancel(ctx), key, module.Wait(module.AckAppend)); err != nil {
					return err
				}
			}
		}
	}
}

// probe appends one record after another and waits until each is seen.
func (v *visible) probe(ctx context.Context, m *seeing, c *client.Client) (samples []time.Duration, err error) {
	const key = "lone"
	table := "{" + task.Tag(m.name, task.Of([]byte(key), tasks), tasks) + "}:p:counts"
	for i := range visibleProbes {
		took, err := timed(func() error {
			if _, err := m.Clicks.Append(ctx, c, key, module.Wait(module.AckAppend)); err != nil {
				return err
			}
			v.probed++
			return v.s.shows(ctx, table, key, int64(i)+1)
		})
		if err != nil {
			return nil, err
		}
		if i >= visibleProbes/10 { // the first ones meet the start of the load
			samples = append(samples, took)
		}
		if took > 2*time.Second {
			break // it does not keep up
		}
	}
	return samples, nil
}

// processed is how many records the topology has counted.
func (v *visible) processed(ctx context.Context, m *seeing) (n int64, err error) {
	counts, err := v.s.counted(ctx, &input{module: m.name, tasks: tasks})
	for _, count := range counts {
		n += count
	}
	return n, err
}
