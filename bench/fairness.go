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
// is under way, one after another; and without. They come by a schedule, whatever has become of
// those before, at half of the rate that one reaches without the big ones who appends them one
// after another. Those of the big records' own partition are behind them in it, and events of one
// task to another keep their order, so they are told from the others.
func fairnessWorkload(ctx context.Context, s *servers, o options, r *report) error {
	f := &fairnessFigures{
		p50: r.figure("fairness-p50", "ms p50", true), p99: r.figure("fairness", "ms p99", true),
		apart: r.figure("fairness-apart", "ms p99", true), behind: r.figure("fairness-behind", "ms p99", true),
		rate: r.figure("fairness-rate", "small records/s asked for", false), late: r.figure("fairness-late", "ms p99, of it begun late", true),
		inTurn: r.figure("fairness-in-turn", "ms p99 of small records that come one after another", true),
	}
	f.p99.Checked = "every append got its answer; the counts of the small and of the big records' events are what was appended"
	for range o.rounds {
		rate := 0.0
		for _, name := range []string{"alone", ours} {
			reached, err := f.side(ctx, s, o, name, rate)
			if err != nil {
				return fmt.Errorf("fairness, %s: %w", name, err)
			}
			rate = reached / 2
		}
	}
	return nil
}

// fairnessFigures are of small records, beside big ones and alone.
type fairnessFigures struct{ p50, p99, apart, behind, rate, late, inTurn *figure }

// side measures small records, beside big ones or alone: first one after another, which warms
// up what is cold and tells what rate is reached so, then by a schedule. Without a rate it is
// half of the one reached.
func (f *fairnessFigures) side(ctx context.Context, s *servers, o options, name string, rate float64) (reached float64, err error) {
	jobs, err := startJobs(ctx, s)
	if err != nil {
		return 0, err
	}
	defer jobs.live.end(ctx)
	end := func() error { return nil }
	if name == ours {
		end = jobs.haveBig(ctx)
	}
	inTurn, took, err := drive(1, o.acks, func(_, i int) error { return jobs.small(ctx, i) })
	if err != nil {
		return 0, errors.Join(err, end())
	}
	reached = float64(len(inTurn)) / took.Seconds()
	if rate == 0 {
		rate = reached / 2
	}
	samples, late, _, err := schedule(ctx, rate, o.open, jobs.small)
	if err = errors.Join(err, end()); err != nil {
		return 0, err
	}
	f.inTurn.add(name, quantile(inTurn, 0.99))
	f.rate.add(name, rate)
	f.late.add(name, millis(late))
	f.p50.add(name, quantile(samples, 0.5))
	f.p99.add(name, quantile(samples, 0.99))
	others, behind := byPartition(samples)
	f.apart.add(name, quantile(others, 0.99))
	f.behind.add(name, quantile(behind, 0.99))
	return reached, jobs.check(ctx)
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

// jobs is a module that counts, with an account of what it was given.
type jobs struct {
	s    *servers
	m    *fanning
	live *live

	mu   sync.Mutex
	fold map[string]int64
	bigs int
}

func startJobs(ctx context.Context, s *servers) (*jobs, error) {
	m := &fanning{name: moduleName("BenchFair")}
	l, err := s.launch(ctx, m, m.name, "jobs")
	if err != nil {
		return nil, err
	}
	return &jobs{s: s, m: m, live: l, fold: map[string]int64{}}, nil
}

// small appends a small record and waits for its answer.
func (j *jobs) small(ctx context.Context, i int) error {
	j.mu.Lock()
	j.fold[smallKey(i)]++
	j.mu.Unlock()
	_, err := j.m.Jobs.Append(ctx, j.live.client, smallKey(i))
	return err
}

// haveBig has a big record always under way, until the function that it returns is called.
func (j *jobs) haveBig(ctx context.Context) (end func() error) {
	ending, stop := context.WithCancel(ctx)
	ended, began := make(chan error, 1), make(chan struct{})
	go func() {
		close(began)
		for ; ending.Err() == nil; j.bigs++ {
			if _, err := j.m.Jobs.Append(ctx, j.live.client, bigKey(j.bigs)); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	<-began
	return func() error {
		stop()
		return <-ended
	}
}

// check compares what was counted with what was appended.
func (j *jobs) check(ctx context.Context) error {
	in := &input{module: j.m.name, tasks: tasks, fold: j.fold}
	for i := range min(j.bigs, 1) * 1000 {
		in.fold["of-big-"+strconv.Itoa(i)] = int64(j.bigs * bigEvents / 1000)
	}
	return j.s.compare(ctx, in)
}
