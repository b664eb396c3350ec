package runtime_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// taker returns a task whose every effect the test answers by hand.
func taker(t *testing.T, tasks int) *runtime.Task {
	t.Helper()
	plan, err := module.Compile(&counts{})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	engine := runtime.New(runtime.Config{
		Plan: plan, Task: 0, Tasks: tasks, Tag: task.Tag(plan.Module, 0, tasks), Address: "here", Random: random,
		NewToken: func() task.Token { return task.Token{1, byte(random.Uint32())} },
	})
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
			engine := taker(t, 1)
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
