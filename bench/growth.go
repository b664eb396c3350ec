package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// growths are the workloads that growth consists of.
var growths = []struct {
	name    string
	measure func(context.Context, *servers, options, *report) error
}{
	{"tasks", growTasks}, {"state", growState}, {"stored", growStored}, {"trees", growTrees}, {"values", growValues},
	{"hotkey", growHotKey}, {"skew", growSkew}, {"workers", growWorkers},
}

// growthWorkload measures throughput, and the heap of the process, against
// tasks, keys, stored bytes, tree size, value size, the share of one hot key, skew and
// workers, or against those of them that the options name. Each point is the median of the
// rounds. One axis that fails leaves the others.
func growthWorkload(ctx context.Context, s *servers, o options, r *report) error {
	r.growing() // before all axes: none takes it away when it fails
	var failures []error
	for _, g := range growths {
		if !o.grows(g.name) || ctx.Err() != nil {
			continue
		}
		part := "growth of " + g.name
		if err := r.try(ctx, part, func() error { return g.measure(ctx, s, o, r) }); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", part, err))
		}
	}
	if len(failures) > 0 {
		return &partly{errors.Join(failures...)}
	}
	return nil
}

func growTasks(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "tasks", Title: "count against the number of tasks, one worker", X: "tasks", Y: "events/s", LogX: true})
	memory := r.curve(&curve{Name: "tasks-memory", Title: "memory of count against the number of tasks, one worker", X: "tasks", Y: "MB of heap, most", LogX: true})
	for _, n := range []int{4, 16, 64, 256} {
		p, err := s.point(ctx, o, r, "GrowTasks", n, 2*o.count, keysOf(100_000), s.module(ours, newCounting))
		if err != nil {
			return err
		}
		c.addPoint("count", float64(n), p.rate, p)
		memory.add("count", float64(n), p.heap)
	}
	return nil
}

func growState(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "state", Title: "count against the number of keys", X: "keys", Y: "events/s", LogX: true})
	const reason = "While a batch meets a key several times, its commit holds the key once: few keys make small commits. Beyond the batch size each event is a field of its own, whose entry is in no cache of the processor. Of the last point's keys %s are met at all (computed), so that %.0f %% of its events make an entry and a field of Redis that was not there. All fit in memory (pstate.cache.entries.max, 200,000 in each task)."
	memory := r.curve(&curve{Name: "state-memory", Title: "memory of count against the number of keys", X: "keys", Y: "MB of heap, most", LogX: true})
	for _, n := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
		p, err := s.point(ctx, o, r, "GrowState", tasks, o.count, keysOf(n), s.module(ours, newCounting))
		if err != nil {
			return err
		}
		c.addPoint("new keys", float64(n), p.rate, p)
		memory.add("new keys", float64(n), p.heap)
		keys := met(n, p.events)
		c.Reason = fmt.Sprintf(reason, number(keys), 100*keys/float64(p.events))
	}
	return nil
}

// memoryOf adds the curve of the memory that goes with one of speed.
func (r *report) memoryOf(c *curve, title string) *curve {
	return r.curve(&curve{Name: c.Name + "-memory", Title: title, X: c.X, Y: "MB of heap, most", LogX: c.LogX})
}

// spreading sends so many events for each record as its value says, to one key after another
// from the one that it says: whatever the size of the trees, as many keys are counted.
type spreading struct {
	name   string
	Clicks module.Depot[string]
	Counts pstate.Map[string, int64]

	count module.Step[string]
}

func (m *spreading) ModuleName() string { return m.name }

func (m *spreading) hops() {}

func (m *spreading) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Clicks, "clicks", module.Text())
	s := b.Stream("spread")
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(v string) string { return v }), func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	})
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		size, first, _ := strings.Cut(v, " ")
		n, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		from, err := strconv.Atoi(first)
		if err != nil {
			return err
		}
		for i := range n {
			m.count.Send(ev, spreadKeys[(from+i)%len(spreadKeys)])
		}
		return nil
	}, module.StartFromBeginning())
}

var spreadKeys = func() (keys [1000]string) {
	for i := range keys {
		keys[i] = "key-" + strconv.Itoa(i)
	}
	return keys
}()

func newSpreading(name string) module.Module { return &spreading{name: name} }

// leastTrees is how many records there are at least: one of each partition.
const leastTrees = tasks

func growTrees(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "trees", Title: "events against the events of one tree, tracked and acked", X: "events per record", Y: "events/s", LogX: true})
	memory := r.memoryOf(c, "memory of the worker against the events of one tree")
	for _, n := range []int{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000} {
		records := max(leastTrees, o.words*40/n)
		from, counted := 0, make([]string, n)
		next := func() (key, value []byte, of []string) {
			value = fmt.Append(nil, n, from)
			for i := range counted {
				counted[i] = spreadKeys[(from+i)%len(spreadKeys)]
			}
			from = (from + n) % len(spreadKeys)
			return nil, value, counted
		}
		p, err := s.point(ctx, o, r, "GrowTrees", tasks, records, next, s.module(ours, newSpreading))
		if err != nil {
			return err
		}
		c.addPoint("events", float64(n), p.rate, p)
		memory.add("events", float64(n), p.heap)
	}
	return nil
}

func growValues(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "values", Title: "count against the size of records", X: "bytes per record", Y: "MB/s", LogX: true})
	memory := r.memoryOf(c, "memory of count against the size of records")
	random := rand.New(rand.NewPCG(3, 4))
	all := letters(random, 8<<20)
	for _, n := range []int{10, 100, 1_000, 10_000, 100_000, 1_000_000} {
		next := func() ([]byte, []byte, []string) {
			k, at := keyName(random.IntN(1000)), random.IntN(len(all)-n)
			return []byte(k), []byte(k + all[at:at+n]), []string{k}
		}
		records := max(20, min(2*o.count, 400_000_000/n))
		p, err := s.point(ctx, o, r, "GrowValues", tasks, records, next, s.module(ours, newCounting))
		if err != nil {
			return err
		}
		c.addPoint("count", float64(n), p.rate*float64(n+keyBytes)/1e6, p)
		memory.add("count", float64(n), p.heap)
	}
	return nil
}

func growHotKey(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "hotkey", Title: "count against the share of one key", X: "% of the records", Y: "events/s"})
	memory := r.memoryOf(c, "memory of count against the share of one key")
	for _, percent := range []int{0, 50, 90, 100} {
		random := rand.New(rand.NewPCG(3, 4))
		next := func() ([]byte, []byte, []string) {
			k := keyName(random.IntN(100_000))
			if random.IntN(100) < percent {
				k = keyName(0)
			}
			return []byte(k), []byte(k + strings.Repeat("x", 100-keyBytes)), []string{k}
		}
		p, err := s.point(ctx, o, r, "GrowHot", tasks, o.count, next, s.module(ours, newCounting))
		if err != nil {
			return err
		}
		c.addPoint("count", float64(percent), p.rate, p)
		memory.add("count", float64(percent), p.heap)
	}
	return nil
}

// growSkew has keys drawn by Zipf's law, steeper and steeper.
func growSkew(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "skew", Title: "count against the skew of the keys (Zipf)", X: "exponent", Y: "events/s"})
	memory := r.memoryOf(c, "memory of count against the skew of the keys (Zipf)")
	for _, exponent := range []float64{1.01, 1.2, 1.5, 2, 3} {
		zipf := rand.NewZipf(rand.New(rand.NewPCG(3, 4)), exponent, 1, 100_000-1)
		padding := strings.Repeat("x", 100-keyBytes)
		next := func() ([]byte, []byte, []string) {
			k := keyName(int(zipf.Uint64()))
			return []byte(k), []byte(k + padding), []string{k}
		}
		p, err := s.point(ctx, o, r, "GrowSkew", tasks, 3*o.count/2, next, s.module(ours, newCounting))
		if err != nil {
			return err
		}
		c.addPoint("count", exponent, p.rate, p)
		memory.add("count", exponent, p.heap)
	}
	return nil
}
