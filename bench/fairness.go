package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// fanning counts: a small record is one event more, a big one very many.
type fanning struct {
	name   string
	Jobs   module.Depot[string]
	Counts pstate.Map[string, int64]

	count module.Step[string]
}

const (
	bigPrefix = "big"
	bigEvents = 100_000
	bigTask   = 0 // whose partition has all big records
)

// bigKey is the n-th key of a big record.
func bigKey(n int) string {
	for i := 0; ; i++ {
		key := bigPrefix + strconv.Itoa(n) + "-" + strconv.Itoa(i)
		if task.Of([]byte(key), tasks) == bigTask {
			return key
		}
	}
}

func smallKey(i int) string { return "small-" + strconv.Itoa(i%100) }

func (m *fanning) ModuleName() string { return m.name }

func (m *fanning) Define(b *module.Builder) {
	module.HashDepot(b, &m.Jobs, "jobs", func(v string) string { return v }, module.Text())
	s := b.Stream("jobs")
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(v string) string { return v }), func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	})
	module.DeclareSource(s, m.Jobs, func(ev *module.Event, v string) error {
		if !strings.HasPrefix(v, bigPrefix) {
			m.count.Send(ev, v)
			return nil
		}
		for i := range bigEvents {
			m.count.Send(ev, "of-big-"+strconv.Itoa(i%1000))
		}
		return nil
	})
}

// fairnessWorkload measures how long small records take while a record with 100,000 events
// is under way, one after another; and without. Those of the big records' own partition are
// behind them in it, and events of one task to another keep their order, so they are told
// from the others.
func fairnessWorkload(ctx context.Context, s *servers, o options, r *report) error {
	p50, p99 := r.figure("fairness-p50", "ms p50", true), r.figure("fairness", "ms p99", true)
	apart, same := r.figure("fairness-apart", "ms p99", true), r.figure("fairness-behind", "ms p99", true)
	for range o.rounds {
		for _, name := range []string{ours, "alone"} {
			samples, err := smallRecords(ctx, s, o.acks, name == ours)
			if err != nil {
				return fmt.Errorf("fairness, %s: %w", name, err)
			}
			p50.add(name, quantile(samples, 0.5))
			p99.add(name, quantile(samples, 0.99))
			others, behind := byPartition(samples)
			apart.add(name, quantile(others, 0.99))
			same.add(name, quantile(behind, 0.99))
		}
	}
	p99.Checked = "every append got its answer; the counts of the small and of the big records' events are what was appended"
	return nil
}

// byPartition tells the times of small records whose partition has no big ones from the others'.
func byPartition(samples []time.Duration) (apart, behind []time.Duration) {
	for i, t := range samples {
		if task.Of([]byte(smallKey(i)), tasks) == bigTask {
			behind = append(behind, t)
		} else {
			apart = append(apart, t)
		}
	}
	return apart, behind
}

func smallRecords(ctx context.Context, s *servers, records int, withBig bool) ([]time.Duration, error) {
	m := &fanning{name: moduleName("BenchFair")}
	l, err := s.launch(ctx, m, m.name, "jobs")
	if err != nil {
		return nil, err
	}
	defer l.end(ctx)
	ending, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	var bigs int
	var bigErr error
	began := make(chan struct{})
	if withBig {
		group.Go(func() {
			close(began)
			for ; ending.Err() == nil; bigs++ {
				if _, err := m.Jobs.Append(ctx, l.client, bigKey(bigs)); err != nil {
					bigErr = err
					return
				}
			}
		})
		<-began
	}
	samples, _, err := drive(1, records, func(_, i int) error {
		_, err := m.Jobs.Append(ctx, l.client, smallKey(i))
		return err
	})
	stop()
	group.Wait()
	if err := errors.Join(err, bigErr); err != nil {
		return nil, err
	}
	in := &input{module: m.name, tasks: tasks, fold: map[string]int64{}}
	for i := range records {
		in.fold[smallKey(i)]++
	}
	for i := range min(bigs, 1) * 1000 {
		in.fold["of-big-"+strconv.Itoa(i)] = int64(bigs * bigEvents / 1000)
	}
	counts, err := s.counted(ctx, in)
	if err != nil {
		return nil, err
	}
	return samples, in.check(counts)
}
