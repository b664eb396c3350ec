package runtime_test

import (
	"math/rand/v2"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// across sends every text on to the other task, where it counts.
type across struct {
	Texts  module.Depot[string]
	Counts pstate.Map[string, int64]
	Total  module.Ack[int]
	count  module.Step[string]

	options []module.StreamOption
	returns bool
}

func (m *across) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Texts, "texts", module.Text())
	s := b.Stream("count", m.options...)
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareStep(s, &m.count, "count", module.Custom(func(string, int) int { return 1 }), func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		if m.returns {
			m.Total.Return(ev, 1)
		}
		return nil
	})
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.count.Send(ev, v)
		return nil
	}, module.StartFromBeginning())
}

// pair is two tasks of one process whose store confirms everything at once.
type pair struct {
	tasks      [2]*runtime.Task
	heads      [2]task.Head
	now        int64
	generation uint64
	next       int64
	frames     []*wire.Frame
	finished   int64 // records
}

func newPair(tb testing.TB, m module.Module) *pair {
	tb.Helper()
	plan, err := module.Compile(m)
	if err != nil {
		tb.Fatal(err)
	}
	p := &pair{now: 1e15}
	for id := range p.tasks {
		random := rand.New(rand.NewPCG(1, uint64(id)))
		p.tasks[id] = runtime.New(runtime.Config{
			Plan: plan, Task: task.ID(id), Tasks: 2, Tag: task.Tag(plan.Module, task.ID(id), 2), Address: "here", Random: random,
			NewToken: func() task.Token { return task.Token{byte(id + 1), byte(random.Uint32())} },
			Listener: &runtime.Listener{RecordDone: func(runtime.RecordInfo) { p.finished++ }},
		})
		tb.Cleanup(p.tasks[id].Close)
	}
	for id := range p.tasks {
		p.step(id, &runtime.Start{})
	}
	p.settle()
	return p
}

// step gives a task an input and answers what it asks for, until it rests.
func (p *pair) step(id int, in runtime.Input) {
	for in != nil {
		p.now++
		e := p.tasks[id].Step(p.now, in)
		in = nil
		p.frames = append(p.frames, e.Frames...)
		for _, f := range e.Feeds {
			if f.Order == runtime.FeedFrom && id == 0 {
				p.generation = f.Generation
			}
		}
		switch {
		case e.Take != nil:
			p.heads[id] = *e.Take
			in = &runtime.Taken{Lineage: task.Lineage{Run: "r", Replication: "r"}}
		case len(e.Starts) > 0:
			in = &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))}
		case e.Commit != nil:
			p.heads[id] = e.Commit.Head
			in = &done
		case len(e.Reads) > 0:
			in = &runtime.ReadDone{Reads: e.Reads}
		case len(e.Heads) > 0:
			in = &runtime.HeadsDone{Tasks: e.Heads, Heads: p.shown(e.Heads)}
		}
	}
}

func (p *pair) shown(asked []task.ID) (heads []task.Head) {
	for _, id := range asked {
		heads = append(heads, p.heads[id])
	}
	return heads
}

// settle lets all frames arrive, and time pass for what is stored outside of batches.
func (p *pair) settle() {
	for range 3 {
		for len(p.frames) > 0 {
			frames := p.frames
			p.frames = nil
			for _, f := range frames {
				p.step(int(f.To), &runtime.FrameIn{Frame: f})
			}
		}
		p.now += 25e6
		for id := range p.tasks {
			p.step(id, &runtime.Tick{})
		}
	}
}

func (p *pair) feed(records []depot.Record) {
	for i := range records {
		records[i].Offset = p.next
		p.next++
	}
	p.step(0, &runtime.Records{Depot: "texts", Generation: p.generation, Records: records})
	p.settle()
}

func acrossTasks(b *testing.B, m module.Module) {
	p := newPair(b, m)
	batch := records()
	p.feed(batch)
	b.ReportAllocs()
	for b.Loop() {
		p.feed(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*feedSize*2), "ns/event")
}

// TestAllocationsAcrossTasks: as TestAllocationsPerRecord, where each record hops to
// another task of the process. Exactly once costs a few allocations for each commit, and
// none for each event; what is returned costs its coding, either way.
func TestAllocationsAcrossTasks(t *testing.T) {
	for _, c := range []struct {
		name string
		m    module.Module
		most float64
	}{
		{"at least once", &across{}, 1.2},
		{"exactly once", &across{options: exactly}, 1.4},
		{"at least once, with a return", &across{returns: true}, 12},
		{"exactly once, with a return", &across{options: exactly, returns: true}, 12},
	} {
		p := newPair(t, c.m)
		batch := records()
		p.feed(batch)
		p.feed(batch)
		per := testing.AllocsPerRun(20, func() { p.feed(batch) }) / feedSize
		if p.finished != p.next {
			t.Errorf("%s: %d of %d records are done", c.name, p.finished, p.next)
		}
		if per > c.most {
			t.Errorf("%s: %.2f allocations per record, at most %.2f are allowed", c.name, per, c.most)
		} else {
			t.Logf("%s: %.2f allocations per record", c.name, per)
		}
	}
}

var exactly = []module.StreamOption{module.ExactlyOnce()}

func BenchmarkAcross(b *testing.B)        { acrossTasks(b, &across{}) }
func BenchmarkExactAcross(b *testing.B)   { acrossTasks(b, &across{options: exactly}) }
func BenchmarkAcrossReturns(b *testing.B) { acrossTasks(b, &across{returns: true}) }
func BenchmarkExactAcrossReturns(b *testing.B) {
	acrossTasks(b, &across{options: exactly, returns: true})
}
