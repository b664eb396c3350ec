package runtime_test

import (
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// running brings a task of two to the point where it runs, and answers everything
// that it asks of its slot.
func running(t *testing.T, m module.Module, options runtime.Options) (engine *runtime.Task, now int64) {
	t.Helper()
	engine = taker(t, 2, m, options)
	step := func(in runtime.Input) *runtime.Effects {
		now++
		return engine.Step(now, in)
	}
	step(&runtime.Start{})
	e := step(&runtime.Taken{Lineage: task.Lineage{Run: "r", Replication: "r"}})
	e = step(&runtime.ReadDone{Reads: e.Reads})
	if len(e.Starts) > 0 {
		e = step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	}
	if e.Commit == nil {
		t.Fatal("no first commit")
	}
	step(&runtime.CommitDone{})
	return engine, now
}

// frame is a greeting of the owner with a token: the first frame of its period.
func frame(token byte) *runtime.FrameIn {
	return &runtime.FrameIn{Frame: &wire.Frame{From: 1, To: 0, Number: 1, Sender: task.Mark{Token: task.Token{token}, Number: 1}}}
}

// R16: what comes from another ownership period than before waits for a look at the
// head, made after it came; each answer lets in the period that it names.
func TestFramesOfAnotherOwnerWaitForALook(t *testing.T) {
	t.Parallel()
	engine, now := running(t, &counts{}, runtime.Options{})
	asked := func(e *runtime.Effects, want bool, when string) {
		t.Helper()
		if (len(e.Heads) == 1 && e.Heads[0] == 1) != want {
			t.Fatalf("%s: asked for the heads of %v, want it of task 1: %t", when, e.Heads, want)
		}
	}
	head := func(token byte) *runtime.HeadsDone {
		return &runtime.HeadsDone{Tasks: []task.ID{1}, Heads: []task.Head{{Mark: task.Mark{Token: task.Token{token}, Number: 1}}}}
	}
	asked(engine.Step(now+1, frame(7)), true, "the first frame")
	asked(engine.Step(now+2, frame(8)), false, "a frame while the look is under way")
	asked(engine.Step(now+3, head(7)), true, "a frame that came after the look was asked for")
	asked(engine.Step(now+4, head(8)), false, "the last look")
	asked(engine.Step(now+5, frame(8)), false, "a frame of the period that stands")
	asked(engine.Step(now+6, frame(7)), true, "a frame of the period before")
}
