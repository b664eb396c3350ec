package runtime_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// tookOver answers what a take-over asks, each answer taking 1 ms, and returns the time.
func tookOver(t *testing.T, engine *runtime.Task, now int64, previous task.Head) int64 {
	t.Helper()
	e := &runtime.Effects{}
	for _, in := range []func() runtime.Input{
		func() runtime.Input { return &runtime.Taken{Previous: previous} },
		func() runtime.Input { return &runtime.ReadDone{Reads: e.Reads} },
		func() runtime.Input { return &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))} },
		func() runtime.Input { return &runtime.CommitDone{} },
	} {
		now += int64(time.Millisecond)
		e = engine.Step(now, in())
	}
	if !engine.Status().Running {
		t.Fatal("it does not run")
	}
	return now
}

// The owner tells since when it has its slot, how long it took with all tries, and from whom:
// also of a slot that it takes anew since it lost its connection.
func TestAnOwnerTellsHowItTookItsSlot(t *testing.T) {
	t.Parallel()
	engine := taker(t, 1, &counts{}, runtime.Options{})
	now := int64(time.Hour)
	engine.Step(now, &runtime.Start{})
	if s := engine.Status(); s.OwnedFor != 0 || s.TakeOver != 0 || s.TookFrom != "" {
		t.Errorf("before it has taken it: %+v", s)
	}
	e := engine.Step(now+int64(time.Millisecond), &runtime.Taken{Err: errors.New("no server")})
	began, now := now, e.WakeAt
	engine.Step(now, &runtime.Tick{}) // the second try finds its own first one
	e = engine.Step(now+1, &runtime.Taken{Err: errors.New("no server")})
	now = e.WakeAt
	engine.Step(now, &runtime.Tick{})
	now = tookOver(t, engine, now, task.Head{Mark: task.Mark{Token: task.Token{9}, Number: 4}, Address: "there"})
	engine.Step(now+int64(time.Minute), &runtime.Tick{})
	s := engine.Status()
	if s.OwnedFor != time.Minute || s.TakeOver != time.Duration(now-began) || s.TookFrom != "there" {
		t.Errorf("owned for %v, taken in %v from %q; want a minute, %v and there", s.OwnedFor, s.TakeOver, s.TookFrom, time.Duration(now-began))
	}
	raw, err := json.Marshal(&s)
	var back runtime.Status
	if err == nil {
		err = json.Unmarshal(raw, &back)
	}
	if err != nil || back.TakeOver != s.TakeOver || back.TookFrom != "there" || !back.TookAt.IsZero() || back.Paused == nil {
		t.Errorf("as JSON %s: %+v, %v", raw, back, err)
	}

	now += 2 * int64(time.Minute)
	e = engine.Step(now, &runtime.Records{Depot: "texts", Generation: 1, Records: []depot.Record{{Value: []byte("a")}}})
	for len(e.Reads) > 0 {
		e = engine.Step(now, &runtime.ReadDone{Reads: e.Reads})
	}
	if e.Commit == nil {
		t.Fatalf("no commit of a record: %+v", e)
	}
	now += int64(time.Second)
	lost := now
	e = engine.Step(now, &runtime.CommitDone{Err: store.ErrLost})
	if engine.Status().Running {
		t.Fatal("it runs on without its connection")
	}
	now = e.WakeAt
	engine.Step(now, &runtime.Tick{})
	now = tookOver(t, engine, now, task.Head{Mark: task.Mark{Token: task.Token{1}, Number: 1}, Address: "here"})
	if s = engine.Status(); s.OwnedFor != 0 || s.TakeOver != time.Duration(now-lost) || s.TookFrom != "here" {
		t.Errorf("taken anew in %v from %q, want %v and here", s.TakeOver, s.TookFrom, time.Duration(now-lost))
	}
}
