package runtime_test

import (
	"slices"
	"testing"
	"time"

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

// R18: a peer whose frames come from another server has the task look who is the master
// of its own slot: once for each server, since with several masters they differ for good.
func TestFramesFromAnotherServerLeadToALook(t *testing.T) {
	t.Parallel()
	engine, now := running(t, &counts{}, runtime.Options{})
	own, other, third := task.Lineage{Run: "r", Replication: "r"}, task.Lineage{Run: "s", Replication: "s"}, task.Lineage{Run: "u", Replication: "u"}
	answer := func(heads []task.ID) *runtime.Effects {
		done := &runtime.HeadsDone{Tasks: slices.Clone(heads), Heads: make([]task.Head, len(heads))}
		for i := range done.Heads {
			done.Heads[i].Mark = task.Mark{Token: task.Token{7}, Number: 1}
		}
		now++
		return engine.Step(now, done)
	}
	for number, c := range []struct {
		from task.Lineage
		want bool
	}{{own, false}, {other, true}, {other, false}, {task.Lineage{}, true}, {third, true}, {own, false}} {
		in := frame(7)
		in.Frame.Number, in.Frame.Lineage = uint64(number+1), c.from
		now++
		e := engine.Step(now, in)
		if slices.Contains(e.Heads, 1) { // the first frame of the period waits for its head
			e = answer(e.Heads)
		}
		if slices.Contains(e.Heads, 0) != c.want {
			t.Errorf("frame %d, from server %q: looks at the heads of %v, want the own one: %t", number, c.from.Run, e.Heads, c.want)
		}
		if len(e.Heads) > 0 {
			answer(e.Heads)
		}
	}
}

// R18: a task looks who is the master from time to time, however busy it is with the
// one that it is connected with.
func TestABusyTaskLooksToo(t *testing.T) {
	t.Parallel()
	h := byHand(t, &twin{}, runtime.Options{ProbePeriod: time.Second})
	looks := 0
	for offset := range int64(40) { // of 100 ms each
		h.now += 100e6
		e := h.give("texts", offset, "x")
		if slices.Contains(e.Heads, 0) {
			looks++
			h.step(&runtime.HeadsDone{Tasks: []task.ID{0}, Heads: make([]task.Head, 1)})
		}
		if e.Commit != nil {
			h.step(&runtime.CommitDone{})
		}
	}
	if looks < 3 || looks > 4 {
		t.Errorf("%d looks in 4 s, one each second was asked for", looks)
	}
}
