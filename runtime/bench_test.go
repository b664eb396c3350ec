package runtime_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// counts counts texts where they are.
type counts struct {
	Texts  module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *counts) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	}, module.StartFromBeginning())
}

// hops sends every text on to the task of a key: a tree of two events.
type hops struct {
	Texts  module.Depot[string]
	Counts pstate.Map[string, int64]
	count  module.Step[string]

	options []module.StreamOption
}

func (m *hops) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("count", m.options...)
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(v string) string { return v }), func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	})
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.count.Send(ev, v)
		return nil
	}, module.StartFromBeginning())
}

// instant carries out effects at once: a store that confirms everything and holds
// nothing, one task.
type instant struct {
	t          *runtime.Task
	now        int64
	generation uint64
	next       int64
	commits    int
}

func newInstant(tb testing.TB, m module.Module) *instant {
	tb.Helper()
	return newInstantWith(tb, m, runtime.Options{})
}

func newInstantWith(tb testing.TB, m module.Module, options runtime.Options) *instant {
	tb.Helper()
	plan, err := module.Compile(m)
	if err != nil {
		tb.Fatal(err)
	}
	d := &instant{}
	random := newRandom()
	d.t = runtime.New(runtime.Config{
		Plan: plan, Task: 0, Tasks: 1, Tag: task.Tag(plan.Module, 0, 1), Address: "here", Random: random, Options: options,
		NewToken: func() task.Token { return task.Token{1, byte(random.Uint32())} },
	})
	tb.Cleanup(d.t.Close)
	d.step(&runtime.Start{})
	return d
}

func newRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// step gives the task an input and answers what it asks for, until it rests.
func (d *instant) step(in runtime.Input) {
	for in != nil {
		d.now++
		e := d.t.Step(d.now, in)
		in = nil
		for _, f := range e.Feeds {
			if f.Order == runtime.FeedFrom {
				d.generation = f.Generation
			}
		}
		switch {
		case e.Take != nil:
			in = &runtime.Taken{}
		case len(e.Starts) > 0:
			in = &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))}
		case e.Commit != nil:
			d.commits++
			in = &done
		case len(e.Reads) > 0:
			in = &runtime.ReadDone{Reads: e.Reads}
		}
	}
}

var done runtime.CommitDone

// feed hands the task so many records.
func (d *instant) feed(records []depot.Record) {
	for i := range records {
		records[i].Offset = d.next
		d.next++
	}
	d.step(&runtime.Records{Depot: "texts", Generation: d.generation, Records: records})
}

const (
	feedSize = 500
	keysFed  = 1000
)

func records() []depot.Record {
	out := make([]depot.Record, feedSize)
	for i := range out {
		out[i] = depot.Record{Key: []byte("k"), Value: fmt.Appendf(nil, "key-%d", i%keysFed)}
	}
	return out
}

// events runs a module over records and reports what one event costs.
func events(b *testing.B, m module.Module, perRecord int) {
	d := newInstant(b, m)
	batch := records()
	d.feed(batch)
	b.ReportAllocs()
	for b.Loop() {
		d.feed(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*feedSize*perRecord), "ns/event")
}

func exactHops() *hops { return &hops{options: []module.StreamOption{module.ExactlyOnce()}} }

func BenchmarkCount(b *testing.B) { events(b, &counts{}, 1) }

// BenchmarkCountKeys counts records of 100,000 keys: more than the processor's caches hold.
func BenchmarkCountKeys(b *testing.B) {
	const keys = 100_000
	d := newInstant(b, &counts{})
	random := rand.New(rand.NewPCG(3, 4))
	var batches [keys / feedSize][]depot.Record
	for i := range batches {
		batches[i] = records()
		for j := range batches[i] {
			batches[i][j].Value = fmt.Appendf(nil, "key-%08d", random.IntN(keys))
		}
		d.feed(batches[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.feed(batches[i%len(batches)])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*feedSize), "ns/event")
}

func BenchmarkHop(b *testing.B)      { events(b, &hops{}, 2) }
func BenchmarkExactHop(b *testing.B) { events(b, exactHops(), 2) }

// The hot path allocates next to nothing: what batches, frames and their likes have is used
// again. A record decoded for its own address, or an object for each hop, would show.
func TestAllocationsPerRecord(t *testing.T) {
	for _, c := range []struct {
		name string
		m    module.Module
		most float64
	}{
		{"count", &counts{}, 0.1},
		{"hop", &hops{}, 0.2},
		{"exactly-once hop", exactHops(), 0.3},
	} {
		d := newInstant(t, c.m)
		batch := records()
		d.feed(batch)
		d.feed(batch)
		perFeed := testing.AllocsPerRun(50, func() { d.feed(batch) })
		if per := perFeed / feedSize; per > c.most {
			t.Errorf("%s: %.2f allocations per record, at most %.2f are allowed", c.name, per, c.most)
		} else {
			t.Logf("%s: %.2f allocations per record", c.name, per)
		}
	}
}
