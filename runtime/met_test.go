package runtime_test

import (
	"testing"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// baton has its records go on at task 1.
type baton struct {
	Texts module.Depot[string]
	on    module.Step[string]
}

func (m *baton) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Texts, "texts", module.Text())
	s := b.Stream("baton")
	module.DeclareStep(s, &m.on, "on", module.Custom(func(string, int) int { return 1 }), func(*module.Event, string) error { return nil })
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.on.Send(ev, v)
		return nil
	}, module.StartFromBeginning())
}

// R19: an ack names a task for the first time, and the root has heard of that task's new
// owner already. If the tree was there before, its events may have been lost with the
// former owner, and it fails; a later one has found the new owner.
func TestAnAckThatNamesATaskWithANewOwner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before bool
	}{{"before the tree", true}, {"while the tree is under way", false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			failed := 0
			engine := taker(t, 3, &baton{}, runtime.Options{}, func(c *runtime.Config) {
				c.Listener = &runtime.Listener{RecordFailed: func(runtime.RecordInfo) { failed++ }}
			})
			h := startByHand(t, engine)
			meet := func(token byte) {
				frame := &wire.Frame{From: 2, Number: 1, Sender: task.Mark{Token: task.Token{token}, Number: 1}, Replaced: task.Mark{Token: task.Token{token - 1}}}
				h.step(&runtime.FrameIn{Frame: frame})
				h.step(&runtime.HeadsDone{Tasks: []task.ID{2}, Heads: []task.Head{{Mark: frame.Sender}}})
			}
			meet(4)
			if c.before {
				meet(6)
			}
			e := h.give("texts", 0, "x") // it writes nothing: its event leaves without a commit
			if len(e.Frames) == 0 || len(e.Frames[0].Events) != 1 {
				t.Fatalf("sent %+v, want one event", e.Frames)
			}
			sent := e.Frames[0].Events[0]
			if !c.before {
				meet(6)
			}
			// Task 1 has run it, and sent one on to task 2.
			ack := wire.Ack{Tree: sent.Tree, Touched: 1 << 2, Delta: acker.EventID(sent.Tree.ID, sent.Seed) ^ acker.EventID(sent.Tree.ID, acker.Child(sent.Seed, 0))}
			head := task.Mark{Token: task.Token{9}, Number: 5}
			h.step(&runtime.FrameIn{Frame: &wire.Frame{From: 1, Number: 1, Sender: head, Acks: []wire.Ack{ack}}})
			h.step(&runtime.HeadsDone{Tasks: []task.ID{1}, Heads: []task.Head{{Mark: head}}})
			if (failed > 0) == c.before {
				t.Errorf("failed %d times", failed)
			}
		})
	}
}
