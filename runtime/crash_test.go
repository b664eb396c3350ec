package runtime_test

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// crashing brings a task of two to the record of a chain, which writes and hops to the
// other task, with a crash to come at a point. It returns the effects up to the crash.
func crashing(t *testing.T, point runtime.CrashPoint) (commits int, last *runtime.Effects, engine *runtime.Task) {
	t.Helper()
	engine, now := running(t, &chain{}, runtime.Options{})
	step := func(in runtime.Input) *runtime.Effects {
		now++
		return engine.Step(now, in)
	}
	asked := 0
	step(&runtime.CrashAt{Point: point, When: func(i runtime.EventInfo) bool {
		asked++
		return i.Root && i.Offset == 0
	}})
	step(&runtime.Await{Depot: "texts", Waiter: 1})
	e := step(&runtime.Records{Depot: "texts", Generation: 1, Records: []depot.Record{{Value: []byte("a")}}})
	for range 4 {
		switch {
		case e.Crash:
			if asked != 1 {
				t.Errorf("asked about %d events, want the one", asked)
			}
			return commits, e, engine
		case len(e.Reads) > 0:
			e = step(&runtime.ReadDone{Reads: e.Reads})
		case e.Commit != nil:
			commits++
			e = step(&runtime.CommitDone{})
		}
	}
	t.Fatalf("no crash; the last effects are %+v", e)
	return 0, nil, nil
}

// hopsAndAcks are what frames carry.
func hopsAndAcks(frames []*wire.Frame) (hops, acks int) {
	for _, f := range frames {
		hops, acks = hops+len(f.Events), acks+len(f.Acks)
	}
	return hops, acks
}

// A crash point ends the engine where it says: in front of the commit, behind it and in
// front of everything that it lets go, or behind the hops.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		point         runtime.CrashPoint
		commits, hops int
	}{
		{runtime.BeforeCommit, 0, 0},
		{runtime.AfterCommit, 1, 0},
		{runtime.BeforeAcks, 1, 1},
	} {
		t.Run(c.point.String(), func(t *testing.T) {
			t.Parallel()
			commits, e, engine := crashing(t, c.point)
			hops, acks := hopsAndAcks(e.Frames)
			if commits != c.commits || hops != c.hops || acks != 0 || e.Commit != nil || len(e.Answers) > 0 {
				t.Errorf("%d commits, then %d hops and %d acks with commit %v and answers %v; want %d commits and %d hops", commits, hops, acks, e.Commit, e.Answers, c.commits, c.hops)
			}
			if s := engine.Status(); s.Halted == nil || s.Running || s.AtRest() {
				t.Errorf("status behind the crash: %v", &s)
			}
		})
	}
}

// An ack to another task does not leave before it; AtOnce asks nothing.
func TestCrashBeforeAcksOfAStep(t *testing.T) {
	t.Parallel()
	engine, now := running(t, &chain{}, runtime.Options{})
	step := func(in runtime.Input) *runtime.Effects {
		now++
		return engine.Step(now, in)
	}
	e := step(frame(7))
	step(&runtime.HeadsDone{Tasks: e.Heads, Heads: headsOf(7)})
	step(&runtime.CrashAt{Point: runtime.BeforeAcks, When: func(i runtime.EventInfo) bool { return strings.HasPrefix(i.Step, "next") }})
	in := frame(7)
	in.Frame.Number = 2
	in.Frame.Events = []wire.Event{{Origin: wire.Origin{Root: 1, Attempt: 1}, Seed: 5}}
	in.Frame.Columns = nextColumn(t)
	if e = step(in); !e.Crash || len(e.Frames) > 0 || e.Commit != nil {
		t.Errorf("a step that only acks: %+v", e)
	}
	engine, now = running(t, &chain{}, runtime.Options{})
	if e = step(&runtime.CrashAt{}); !e.Crash {
		t.Error("no crash at once")
	}
}

// An event that fails does not crash the task. One whose connection breaks before the
// point does not either: the next event that fits does.
func TestCrashWaitsForAnEventThatFits(t *testing.T) {
	t.Parallel()
	h := byHand(t, &twin{}, runtime.Options{})
	h.step(&runtime.CrashAt{Point: runtime.AfterCommit, When: func(runtime.EventInfo) bool { return true }})
	if e := h.give("texts", 0, "bad"); e.Crash {
		t.Fatal("crashed by an event that failed")
	}
	if e := h.give("texts", 1, "x"); e.Commit == nil {
		t.Fatalf("no commit: %+v", e)
	}
	e := h.step(&runtime.CommitDone{Err: store.ErrFenced})
	if e.Crash {
		t.Fatal("crashed without a commit")
	}
	h.now = max(h.now, e.WakeAt)
	e = h.step(&runtime.Tick{})
	e = h.step(&runtime.Taken{Previous: *e.Take})
	e = h.step(&runtime.ReadDone{Reads: e.Reads})
	h.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	e = h.step(&runtime.CommitDone{})
	for _, f := range e.Feeds {
		if f.Depot == "texts" {
			h.step(&runtime.Records{Depot: "texts", Generation: f.Generation, Records: []depot.Record{{Value: []byte("y")}}})
		}
	}
	if e = h.step(&runtime.CommitDone{}); !e.Crash {
		t.Errorf("the next event did not crash the task: %+v", e)
	}
}

// headsOf is what the head of task 1 says in its ownership period with a token.
func headsOf(token byte) []task.Head {
	return []task.Head{{Mark: task.Mark{Token: task.Token{token}, Number: 1}}}
}

// nextColumn is a payload for the step of chain.
func nextColumn(t *testing.T) []wire.Column {
	t.Helper()
	texts, err := codec.JSON[string]()
	if err != nil {
		t.Fatal(err)
	}
	c := wire.NewColumn(&texts, false)
	if err := c.Put("a"); err != nil {
		t.Fatal(err)
	}
	return []wire.Column{c}
}
