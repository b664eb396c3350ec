package runtime_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// hopAndWrite is two streams over one depot: one sends each record to task 1, the
// other writes it down at the second attempt.
type hopAndWrite struct {
	records module.Depot[string]
	seen    pstate.Map[string, int]
	there   module.Step[string]
	failed  bool
}

func (m *hopAndWrite) ModuleName() string { return "HopAndWrite" }

func (m *hopAndWrite) Define(b *module.Builder) {
	module.RandomDepot(b, &m.records, "records", module.Text())
	hops := b.Stream("hops")
	module.DeclareStep(hops, &m.there, "there", module.Stay[string](), func(*module.Event, string) error { return nil })
	module.DeclareSource(hops, m.records, func(ev *module.Event, v string) error {
		m.there.SendTo(ev, 1, v)
		return nil
	})
	writes := b.Stream("writes")
	writes.PState(&m.seen, "seen")
	module.DeclareSource(writes, m.records, func(ev *module.Event, v string) error {
		if !m.failed {
			m.failed = true
			return errors.New("fails once")
		}
		m.seen.Key(v).Set(ev, 1)
		return nil
	})
}

// A record's tree completes in one stream while its commit in another one is under
// way: whoever waits for the record hears of it when that is confirmed, too.
func TestAwaitWaitsForTheCommitOfTheOtherStream(t *testing.T) {
	t.Parallel()
	m := &hopAndWrite{}
	plan, err := module.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	lineage, peer := task.Lineage{Run: "r", Replication: "p"}, task.Head{Mark: task.Mark{Token: task.Token{9}, Number: 1}}
	engine := runtime.New(runtime.Config{
		Plan: plan, Tasks: 2, Tag: "t", Address: "here:1", Random: random,
		NewToken: func() task.Token { return task.Token{1} },
	})
	defer engine.Close()
	log := []depot.Record{{Value: []byte("a"), Time: time.UnixMilli(1)}}

	var answers []runtime.Answer
	var hop *wire.Event
	var last *store.Batch
	hold := false // the next commit of data is not confirmed
	now := int64(1)
	var step func(in runtime.Input)
	step = func(in runtime.Input) {
		e := engine.Step(now, in)
		var next []runtime.Input
		if e.Take != nil {
			next = append(next, &runtime.Taken{Lineage: lineage})
		}
		if len(e.Reads) > 0 {
			next = append(next, &runtime.ReadDone{Reads: slices.Clone(e.Reads)})
		}
		if len(e.Heads) > 0 {
			heads := make([]task.Head, len(e.Heads))
			for i, id := range e.Heads {
				if id == 1 {
					heads[i] = peer
				}
			}
			next = append(next, &runtime.HeadsDone{Tasks: slices.Clone(e.Heads), Heads: heads})
		}
		if len(e.Starts) > 0 {
			next = append(next, &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
		}
		for _, f := range e.Feeds {
			if f.Order == runtime.FeedFrom {
				next = append(next, &runtime.Records{Depot: f.Depot, Generation: f.Generation, Records: log[f.Offset:]})
			}
		}
		for _, f := range e.Frames {
			if len(f.Events) > 0 {
				hop = &f.Events[0]
			}
		}
		answers = append(answers, e.Answers...)
		if e.Commit != nil {
			last = e.Commit
			if !hold || !writes(last, "seen") {
				next = append(next, &runtime.CommitDone{})
			}
		}
		for _, in := range next {
			step(in)
		}
	}
	hold = true
	step(&runtime.Start{})
	step(&runtime.FrameIn{Frame: &wire.Frame{From: 1, Number: 1, Sender: peer.Mark, Lineage: lineage}})
	for range 10 {
		now += int64(50 * time.Millisecond)
		step(&runtime.Tick{})
	}
	if hop == nil || last == nil || !writes(last, "seen") {
		t.Fatal("want the hop sent, and the commit of the other stream under way")
	}
	step(&runtime.Await{Depot: "records", Waiter: 7})
	ack := wire.Ack{Tree: hop.Tree, Delta: acker.EventID(hop.Tree.ID, hop.Seed)}
	step(&runtime.FrameIn{Frame: &wire.Frame{From: 1, Number: 2, Sender: peer.Mark, Lineage: lineage, Acks: []wire.Ack{ack}}})
	if len(answers) > 0 {
		t.Fatalf("answered %+v before the commit was confirmed", answers)
	}
	step(&runtime.CommitDone{})
	if len(answers) != 1 || answers[0].Waiter != 7 || answers[0].Kind != runtime.AnswerDone {
		t.Fatalf("answers %+v, want one: done", answers)
	}
}

// writes reports whether a batch writes to a PState.
func writes(b *store.Batch, name string) bool {
	return slices.ContainsFunc(b.Changes, func(c store.Change) bool {
		return c.Table.Key == wire.PStateTable("t", name, store.Map).Key
	})
}
