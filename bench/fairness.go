package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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

	crowded = "crowded" // small records alone, beside a process that keeps all processors busy
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

// fairnessWorkload measures how long small records take while a record with 100,000 events is always
// under way, the next as soon as one is done; and without. The small ones come by a schedule, whatever has
// become of those before, at half of the rate that one appender reaches without the big ones who waits for
// each answer before the next. Who appends is a process of its own. Those of the big records' own partition are
// behind them in it, and events of one task to another keep their order, so they are told from
// the others.
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
		for _, name := range []string{"alone", ours, crowded} {
			reached, err := f.side(ctx, s, o, name, rate)
			if err != nil {
				return fmt.Errorf("fairness, %s: %w", name, err)
			}
			if name == "alone" {
				rate = reached / 2
			}
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
	a, err := startFair(ctx, s)
	if err != nil {
		return 0, err
	}
	switch name {
	case ours:
		_, err = a.order(ctx, order{Ask: askBig})
	case crowded:
		busy, failure := startChild(ctx, role{Does: spinner})
		if failure != nil {
			return 0, a.end(ctx, failure)
		}
		defer func() { err = errors.Join(err, busy.close()) }()
	}
	var inTurn, open *answer
	if err == nil {
		inTurn, err = a.order(ctx, order{Ask: askSmall, Each: o.acks})
	}
	if err == nil {
		reached = float64(len(inTurn.Samples)) / inTurn.Took.Seconds()
		if rate == 0 {
			rate = reached / 2
		}
		open, err = a.order(ctx, order{Ask: askSmall, Rate: rate, Length: o.open})
	}
	if err == nil {
		_, err = a.order(ctx, order{Ask: askNoBig}) // whose answer has all that was appended
	}
	if err = a.end(ctx, err); err != nil {
		return 0, err
	}
	f.inTurn.add(name, quantile(inTurn.Samples, 0.99))
	f.rate.add(name, rate)
	f.late.add(name, millis(open.Late))
	f.p50.add(name, quantile(open.Samples, 0.5))
	f.p99.add(name, quantile(open.Samples, 0.99))
	others, behind := byPartition(open.Samples)
	f.apart.add(name, quantile(others, 0.99))
	f.behind.add(name, quantile(behind, 0.99))
	return reached, nil
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
