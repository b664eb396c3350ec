package clustertest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// pulse hears the ticks of three seconds, in a stream that tells all tasks, and in a
// microbatch topology.
type pulse struct {
	Beat     module.Ticks
	Heard    pstate.Value[[]module.Tick] // on task 0
	Batched  pstate.Value[[]module.Tick] // on task 0
	Told     pstate.Value[int]           // on each task: periods
	tell     module.Step[int]
	topology string // that reads the ticks
}

func (m *pulse) Define(b *module.Builder) {
	module.TickDepot(b, &m.Beat, "beat", 3*time.Second)
	note := func(v *pstate.Value[[]module.Tick], more func(*module.Event, module.Tick)) func(*module.Event, module.Tick) error {
		return func(ev *module.Event, t module.Tick) error {
			if !ev.Now().Equal(t.Time) {
				return module.Park(errors.New("another time"))
			}
			v.Update(ev, func(all []module.Tick) []module.Tick { return append(all, t) })
			more(ev, t)
			return nil
		}
	}
	if m.topology == "batched" {
		mb := b.Microbatch(m.topology)
		mb.PState(&m.Batched, "batched")
		module.DeclareTickSource(mb, m.Beat, note(&m.Batched, func(*module.Event, module.Tick) {}))
		return
	}
	s := b.Stream("heard")
	s.PState(&m.Heard, "heard")
	s.PState(&m.Told, "told")
	module.DeclareStep(s, &m.tell, "tell", module.Stay[int](), func(ev *module.Event, n int) error {
		m.Told.Update(ev, func(have int) int { return have + n })
		return nil
	})
	module.DeclareTickSource(s, m.Beat, note(&m.Heard, func(ev *module.Event, t module.Tick) { m.tell.SendAll(ev, t.Periods()) }))
}

// startPulse starts it at half a second past a tick.
func startPulse(t *testing.T, m *pulse) (kit *clustertest.Kit, clock *localcluster.Clock, first time.Time) {
	t.Helper()
	first = time.Date(2026, 1, 31, 12, 0, 3, 0, time.UTC)
	clock = localcluster.NewClock(first.Add(-2500 * time.Millisecond))
	return clustertest.Start(t, m, clustertest.Config{Clock: clock}), clock, first
}

// heard waits until the tick that is due at a time is done.
func heard(kit *clustertest.Kit, at time.Time) {
	kit.AwaitStatus("the tick of "+at.String(), func(all []runtime.Status) bool {
		return len(all[0].Sources) == 1 && all[0].Sources[0].Next > at.UnixMilli() && all[0].AtRest()
	})
}

func want(t *testing.T, kit *clustertest.Kit, v pstate.Value[[]module.Tick], all ...module.Tick) {
	t.Helper()
	have, err := v.Get(kit.Client().AtTask(t.Context(), 0))
	if err != nil || !slices.EqualFunc(have, all, func(a, b module.Tick) bool { return a.Time.Equal(b.Time) && a.Missed == b.Missed }) {
		t.Errorf("heard %v (error %v), want %v", have, err, all)
	}
}

// promise 4.11, promise 4.12: a stream has each tick when it is due, on task 0, and may tell
// all tasks. What comes due at once is one tick that counts the others.
func TestAStreamHasTicks(t *testing.T) {
	t.Parallel()
	m := &pulse{}
	kit, clock, first := startPulse(t, m)
	clock.Advance(2400 * time.Millisecond)
	clock.Advance(100 * time.Millisecond)
	heard(kit, first)
	clock.Advance(3 * time.Second)
	heard(kit, first.Add(3*time.Second))
	clock.Advance(9500 * time.Millisecond)
	heard(kit, first.Add(12*time.Second))
	want(t, kit, m.Heard, module.Tick{Time: first}, module.Tick{Time: first.Add(3 * time.Second)}, module.Tick{Time: first.Add(12 * time.Second), Missed: 2})
	for i := range kit.Tasks() {
		if n, err := m.Told.Get(kit.Client().AtTask(t.Context(), task.ID(i))); err != nil || n != 5 {
			t.Errorf("task %d was told of %d periods (error %v), want 5", i, n, err)
		}
	}
}

// promise 4.12: a microbatch has one tick at most, however many periods have passed.
func TestAMicrobatchHasOneTick(t *testing.T) {
	t.Parallel()
	m := &pulse{topology: "batched"}
	kit, clock, first := startPulse(t, m)
	clock.Advance(2500 * time.Millisecond)
	heard(kit, first)
	hold := kit.Hold(m.Beat)
	clock.Advance(3 * time.Second)
	hold.Await(1)
	for range 3 {
		clock.Advance(3 * time.Second)
	}
	last := first.Add(12 * time.Second)
	kit.AwaitStatus("the task to have been given the tick of "+last.String(), func(all []runtime.Status) bool {
		return all[0].Sources[0].Read > last.UnixMilli()
	})
	hold.Release()
	heard(kit, last)
	want(t, kit, m.Batched, module.Tick{Time: first}, module.Tick{Time: last, Missed: 3})
}

// promise 4.11: a tick that is lost with its owner comes again, and what came due meanwhile
// is counted with it.
func TestTicksOutliveTheirOwner(t *testing.T) {
	t.Parallel()
	m := &pulse{}
	kit, clock, first := startPulse(t, m)
	for _, point := range []clustertest.Point{clustertest.BeforeCommit, clustertest.AfterCommit} {
		crash := kit.CrashAt(point, m.Beat, 0)
		clock.Advance(3 * time.Second)
		crash.Await()
	}
	clock.Advance(3 * time.Second)
	last := first.Add(6 * time.Second)
	heard(kit, last)
	have, err := m.Heard.Get(kit.Client().AtTask(t.Context(), 0))
	if err != nil {
		t.Fatal(err)
	}
	// Whether a new owner takes the lost tick before the next one is due, or both as one, is
	// theirs. Ticks may overlap, since they come at least once: an owner ended between the
	// commit of one and its end.
	next := first
	for _, tick := range have {
		if begins := tick.Time.Add(-time.Duration(tick.Missed) * 3 * time.Second); begins.After(next) || begins.Before(first) {
			t.Errorf("heard %v: what was due at %v is missing, or one is of before %v", have, next, first)
		}
		next = tick.Time.Add(3 * time.Second)
	}
	if !next.After(last) {
		t.Errorf("heard %v, want all from %v to %v", have, first, last)
	}
}
