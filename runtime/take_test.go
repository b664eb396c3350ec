package runtime_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// taker returns a task whose every effect the test answers by hand.
func taker(t *testing.T, tasks int, m module.Module, options runtime.Options, more ...func(*runtime.Config)) *runtime.Task {
	t.Helper()
	return takerWith(t, tasks, m, options, nil, more...)
}

func takerWith(t *testing.T, tasks int, m module.Module, options runtime.Options, l *runtime.Listener, more ...func(*runtime.Config)) *runtime.Task {
	t.Helper()
	plan, err := module.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	config := runtime.Config{
		Plan: plan, Task: 0, Tasks: tasks, Tag: task.Tag(plan.Module, 0, tasks), Address: "here", Random: random, Options: options, Listener: l,
		NewToken: func() task.Token { return task.Token{1, byte(random.Uint32())} },
	}
	for _, f := range more {
		f(&config)
	}
	engine := runtime.New(config)
	t.Cleanup(engine.Close)
	return engine
}

// A take-over whose pause is over is tried again at the next input, whichever
// that is: timers are late, and the one that was set for it is set anew by every
// input that comes before it fires.
func TestTakeOverIsDueAtAnyInput(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]runtime.Input{
		"tick": &runtime.Tick{}, "await": &runtime.Await{Depot: "texts", Waiter: 1}, "late answer": &runtime.CommitDone{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine := taker(t, 1, &counts{}, runtime.Options{})
			if engine.Step(1, &runtime.Start{}).Take == nil {
				t.Fatal("no take-over at the start")
			}
			e := engine.Step(2, &runtime.Taken{Err: errors.New("no server")})
			if e.Take != nil || e.WakeAt <= 2 {
				t.Fatalf("no pause after a take-over that failed: %+v", e)
			}
			due := e.WakeAt
			if e = engine.Step(due-1, in); e.Take != nil || e.WakeAt != due {
				t.Fatalf("before the pause is over: take %v, wake at %d, want %d", e.Take, e.WakeAt, due)
			}
			if e = engine.Step(due+1, in); e.Take == nil {
				t.Error("the take-over is due and does not happen")
			}
		})
	}
}

// R18: an owner that has finished for its nominee looks often whether that one has come.
// Records that are appended meanwhile are begun by the nominee alone, and whoever asks
// here how they end would else wait until the next look of an idle owner.
func TestAFinishingOwnerLooksForItsNominee(t *testing.T) {
	t.Parallel()
	const soon = int64(10 * time.Millisecond)
	engine, now := running(t, &counts{}, runtime.Options{})
	step := func(in runtime.Input) *runtime.Effects { now++; return engine.Step(now, in) }
	e := step(&runtime.Await{Depot: "texts", Offset: 5, Waiter: 7})
	if e.WakeAt-now <= soon {
		t.Fatalf("an idle owner looks at its head within %v", time.Duration(e.WakeAt-now))
	}
	for e = step(&runtime.Finish{}); !e.Finished; e = step(&runtime.CommitDone{}) {
		if e.Commit == nil {
			t.Fatalf("not finished, and no commit: %+v", e)
		}
	}
	if e.WakeAt == 0 || e.WakeAt-now > soon {
		t.Fatalf("an owner that has finished wakes in %v, want %v or less", time.Duration(e.WakeAt-now), time.Duration(soon))
	}
	now = e.WakeAt
	if e = step(&runtime.Tick{}); len(e.Heads) != 1 {
		t.Fatalf("it does not look at its head: %+v", e)
	}
	step(&runtime.Nominated{})
	if e = step(&runtime.HeadsDone{Tasks: e.Heads, Err: store.ErrFenced}); !e.Stopped {
		t.Errorf("it does not stop when its nominee has come: %+v", e)
	}
}

// promise 3x.05, R11, R41: hops leave after the commit. One whose reply was lost and that the slot holds lets go what
// follows from it; above level Applied only with the next commit, behind which the
// level is waited for.
func TestALostReplyThatWasApplied(t *testing.T) {
	t.Parallel()
	for _, level := range []store.Level{store.Applied, store.Replicated(1), store.Fsynced} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			engine, now := running(t, &chain{}, runtime.Options{Durability: level})
			step := func(in runtime.Input) *runtime.Effects {
				now++
				e := engine.Step(now, in)
				if e.WakeAt > now && len(e.Frames) == 0 && e.Commit == nil && e.Take == nil && len(e.Reads) == 0 {
					now = e.WakeAt
					e = engine.Step(now, &runtime.Tick{})
				}
				return e
			}
			e := step(&runtime.Records{Depot: "texts", Generation: 1, Records: []depot.Record{{Value: []byte("a")}}})
			if len(e.Reads) > 0 {
				e = step(&runtime.ReadDone{Reads: e.Reads})
			}
			if e.Commit == nil || e.Commit.Level != level {
				t.Fatalf("the record's commit: %+v", e.Commit)
			}
			committed := e.Commit.Head
			if e = step(&runtime.CommitDone{Err: store.ErrLost}); e.Take == nil {
				t.Fatal("no new take-over")
			}
			e = step(&runtime.Taken{Previous: committed})
			if left := len(e.Frames) > 0; left != (level == store.Applied) {
				t.Errorf("when the head shows that the commit was applied, its hop left: %t", left)
			}
			e = step(&runtime.ReadDone{Reads: e.Reads})
			e = step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
			if e.Commit == nil || len(e.Frames) > 0 {
				t.Fatalf("the first commit of the period: %+v, and %d frames left before it", e.Commit, len(e.Frames))
			}
			e = step(&runtime.CommitDone{})
			hopped := 0
			for _, f := range e.Frames {
				if len(f.Events) > 0 {
					hopped++
				}
			}
			if want := level != store.Applied; (hopped == 1) != want {
				t.Errorf("with the first commit %d hops left, want one: %t", hopped, want)
			}
		})
	}
}

// chain writes each text down and sends it on to the other task.
type chain struct {
	Texts module.Depot[string]
	Seen  pstate.Map[string, string]
	next  module.Step[string]
}

func (m *chain) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("chain")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.next, "next", module.Custom(func(string, int) int { return 1 }), func(*module.Event, string) error { return nil })
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.Seen.Key(v).Set(ev, v)
		m.next.Send(ev, v)
		return nil
	}, module.StartFromBeginning())
}
