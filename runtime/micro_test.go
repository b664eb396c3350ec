package runtime_test

import (
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// microCounts counts texts in microbatches.
type microCounts struct {
	Texts  module.Depot[string]
	Counts pstate.Map[string, int64]
	count  module.Step[string]
}

func (m *microCounts) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	mb := b.Microbatch("count")
	mb.PState(&m.Counts, "counts")
	module.DeclareStep(mb, &m.count, "count", module.At(&m.Counts, func(v string) string { return v }), func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	})
	module.DeclareSource(mb, m.Texts, func(ev *module.Event, v string) error {
		m.count.Send(ev, v)
		return nil
	}, module.StartFromBeginning())
}

// batching carries out the effects of a task that takes part in microbatches and coordinates
// them, with a store that confirms everything and holds so many elements in each table, none
// of those that are asked for.
type batching struct {
	*instant
	head    task.Head
	holds   int
	rounds  int // of reads
	applied uint64
	waiting []runtime.Input
}

func newBatching(tb testing.TB, holds int) *batching {
	tb.Helper()
	plan, err := module.Compile(&microCounts{})
	if err != nil {
		tb.Fatal(err)
	}
	d := &batching{instant: &instant{}, holds: holds}
	tokens := byte(0)
	d.t = runtime.New(runtime.Config{
		Plan: plan, Task: 0, Tasks: 1, Tag: task.Tag(plan.Module, 0, 1), Address: "here", Random: newRandom(),
		NewToken: func() task.Token { tokens++; return task.Token{1, tokens} },
		Listener: &runtime.Listener{Microbatch: func(i runtime.MicrobatchInfo) { d.applied = max(d.applied, i.Applied) }},
	})
	tb.Cleanup(d.t.Close)
	d.give(&runtime.Start{})
	return d
}

// give gives the task an input and answers what it asks for, until it rests.
func (d *batching) give(in runtime.Input) {
	d.waiting = append(d.waiting, in)
	for len(d.waiting) > 0 {
		in, d.waiting = d.waiting[0], d.waiting[1:]
		d.now++
		e := d.t.Step(d.now, in)
		for _, f := range e.Feeds {
			if f.Order == runtime.FeedFrom {
				d.generation = f.Generation
			}
		}
		if e.Take != nil {
			d.head = *e.Take
			d.waiting = append(d.waiting, &runtime.Taken{})
		}
		if len(e.Starts) > 0 {
			d.waiting = append(d.waiting, &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
		}
		if e.Commit != nil {
			d.head = e.Commit.Head
			d.commits++
			d.waiting = append(d.waiting, &done)
		}
		if len(e.Reads) > 0 {
			d.waiting = append(d.waiting, d.read(append([]store.Read(nil), e.Reads...)))
		}
		if len(e.Heads) > 0 {
			d.waiting = append(d.waiting, &runtime.HeadsDone{Tasks: append([]task.ID(nil), e.Heads...), Heads: []task.Head{d.head}})
		}
	}
}

func (d *batching) read(reads []store.Read) *runtime.ReadDone {
	asks := false
	for i := range reads {
		switch reads[i].Kind {
		case store.Len:
			reads[i].Count = d.holds
		case store.Get:
			asks = true
		}
	}
	if asks {
		d.rounds++
	}
	return &runtime.ReadDone{Reads: reads}
}

func (d *batching) feed(texts ...string) {
	records := make([]depot.Record, len(texts))
	for i, text := range texts {
		records[i] = depot.Record{Key: []byte(text), Value: []byte(text), Offset: d.next}
		d.next++
	}
	d.give(&runtime.Records{Depot: "texts", Generation: d.generation, Records: records})
}

// A microbatch of a topology whose PState is empty asks once, too, and what comes in later
// ones is new. Without that each round of new keys would have all events behind it run ahead.
func TestAnEmptyTableIsNotReadAgainByMicrobatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		holds, rounds int
	}{{0, 1}, {1, 2}} {
		d := newBatching(t, c.holds)
		d.feed(names("first", 10)...)
		d.feed(names("second", 10)...)
		d.feed(names("first", 10)...)
		if d.applied < 3 {
			t.Errorf("%d microbatches are applied, want 3", d.applied)
		}
		if d.rounds != c.rounds {
			t.Errorf("a table that holds %d elements: %d rounds of reads, want %d", c.holds, d.rounds, c.rounds)
		}
	}
}

// BenchmarkMicrobatch counts records of 1,000 keys in microbatches of 500: two events each.
func BenchmarkMicrobatch(b *testing.B) {
	d := newBatching(b, 0)
	texts := names("key", keysFed)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		first := i * feedSize % keysFed
		d.feed(texts[first : first+feedSize]...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*feedSize*2), "ns/event")
}
