package overview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// town is a cluster with one module of three tasks, as the test has it.
type town struct {
	next   int64 // of each partition
	end    int64
	paused bool
	epoch  string
	status func(id task.ID) (runtime.Status, error)
	asked  atomic.Int64

	latencies    map[string]eventtree.Latency
	latenciesErr error
}

func (c *town) Modules(context.Context) ([]client.ModuleInfo, error) {
	return []client.ModuleInfo{{Name: "m"}, {Name: "gone"}}, nil
}

func (c *town) Describe(_ context.Context, name string) (client.Description, error) {
	if name != "m" {
		return client.Description{}, client.ErrNoModule
	}
	return client.Description{Topologies: []client.TopologyInfo{{Name: "t", Kind: "stream", Sources: []client.SourceInfo{{Name: "s", Depot: "d"}}, Steps: []client.StepInfo{{Name: "pack"}}}}}, nil
}

func (c *town) Tasks(context.Context, string) ([]client.TaskInfo, error) {
	var all []client.TaskInfo
	for i := range 3 {
		all = append(all, client.TaskInfo{Task: task.ID(i), Owner: "w:1", Epoch: c.epoch, Parked: i})
	}
	return all, nil
}

func (c *town) TaskStatus(_ context.Context, _ string, id task.ID) (runtime.Status, error) {
	c.asked.Add(1)
	if c.status == nil {
		return runtime.Status{Running: true, Pending: 2, Streams: []runtime.StreamStatus{{Topology: "other", InFlight: 1, Limit: 1}, {Topology: "t", InFlight: 1 + int(id), Limit: 9}}, Sources: []runtime.SourceStatus{{Topology: "t", Source: "s", Depot: "d", Waiting: 1}}}, nil
	}
	return c.status(id)
}

func (c *town) Progress(context.Context, string, string) ([]client.SourceProgress, error) {
	var all []client.SourceProgress
	for i := range 3 {
		all = append(all, client.SourceProgress{Topology: "t", Source: "s", Depot: "d", Partition: int32(i), Begun: true, Next: c.next, End: c.end, Lag: c.end - c.next})
	}
	return all, nil
}

func (c *town) Option(context.Context, string, client.OptionScope, string) (client.OptionValue, error) {
	return client.OptionValue{Value: fmt.Sprint(c.paused)}, nil
}

func (c *town) Stuck(context.Context, string, time.Duration) ([]eventtree.Handler, error) {
	return []eventtree.Handler{{Task: 1, Topology: "t", Step: "pack", Record: eventtree.Record{Depot: "d", Partition: 2, Offset: 9}, Since: time.Unix(1000, 0)}, {Task: 99}}, nil
}

func (c *town) Trees(context.Context, string, client.TreeFilter) ([]eventtree.Tree, error) {
	return []eventtree.Tree{{Record: eventtree.Record{Depot: "d", Partition: 2, Offset: 9}, Topology: "t", Source: "s", State: eventtree.Open}}, nil
}

func (c *town) Latencies(context.Context, string) (map[string]eventtree.Latency, error) {
	return c.latencies, c.latenciesErr
}

func (c *town) Tree(context.Context, string, string, task.ID, int64) ([]eventtree.Tree, error) {
	return []eventtree.Tree{{Record: eventtree.Record{Depot: "d", Partition: 2, Offset: 9}, Topology: "t", Source: "s", State: eventtree.Open, Waits: "event pack on task 1", Events: []eventtree.Event{
		{Step: "s", Root: true, ID: 1}, {Step: "pack", ID: 2, Parent: 1}, {Step: "pack", ID: 3, Parent: 1},
	}}}, nil
}

// rig looks at a town, by a clock that the test moves.
type rig struct {
	*testing.T
	town *town
	at   time.Time
	o    *Overview
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, town: &town{end: 100, epoch: "e1"}, at: time.Unix(1_000_000, 0)}
	r.o = New(Config{Cluster: r.town, Now: func() time.Time { return r.at }, AnswerTimeout: time.Minute, LookTimeout: time.Minute})
	return r
}

// look looks after so many seconds.
func (r *rig) look(seconds int) *Module {
	r.Helper()
	r.at = r.at.Add(time.Duration(seconds) * time.Second)
	m, err := r.o.Module(r.Context(), "m")
	if err != nil {
		r.Fatal(err)
	}
	return m
}

// Rates are what came between two looks; a look within the period is the one before, unless
// something was changed.
func TestRates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if one := r.look(0).Topologies[0]; one.InFlight != 6 || one.Fullest != 3 || one.Limit != 9 {
		t.Errorf("in flight are %d, on the fullest task %d of %d, want 6, and 3 of 9", one.InFlight, one.Fullest, one.Limit)
	}
	if m := r.look(0); m.DonePerSecond() != 0 || m.Lag() != 300 || m.InFlight() != 6 || m.Topologies[0].Waiting != 3 || m.Parked != 3 || len(m.Workers) != 1 || m.Workers[0].Pending != 6 {
		t.Errorf("the first look: %+v", m)
	}
	r.town.next, r.town.end = 20, 110
	if m := r.look(0); m.Lag() != 300 {
		t.Error("it looked again within the period")
	}
	r.o.Forget("m")
	if m := r.look(0); m.Lag() != 270 {
		t.Errorf("it did not look again after a change: %d to do", m.Lag())
	}
	r.town.next, r.town.end = 40, 120
	if m := r.look(2); m.DonePerSecond() != 30 || m.AppendedPerSecond() != 15 || len(m.Course()) != 1 || m.Done() != 120 || m.End() != 360 {
		t.Errorf("done %v and appended %v per second, %d points", m.DonePerSecond(), m.AppendedPerSecond(), len(m.Course()))
	}
}

// A topology that has something to do and does not get on is told of, with what its oldest
// record waits for; not one that is paused.
func TestStanding(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.look(0)
	if f := r.look(4).Findings; len(f) != 1 {
		t.Errorf("found too early: %+v", f)
	}
	r.look(4)
	f := r.look(4).Findings
	if len(f) != 2 || f[0].Severity != Stuck || !strings.Contains(f[0].What, "topology t stands still, with 300 records to do") || f[0].Waits != "event pack on task 1 (record d/2@9)" || f[0].Record.Offset != 9 {
		t.Errorf("found %+v", f)
	}
	r.town.paused = true
	if f := r.look(4).Findings; !strings.Contains(f[0].What, "is paused, with 300 records") || f[0].Severity != Notable {
		t.Errorf("found %+v", f)
	}
	r.town.paused, r.town.next = false, 1
	if f := r.look(4).Findings; len(f) != 1 {
		t.Errorf("it gets on, and found is %+v", f)
	}
}

// A task that does not answer is told of with the handler that holds it up.
func TestSilent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.town.status = func(id task.ID) (runtime.Status, error) {
		switch id {
		case 1:
			return runtime.Status{}, context.DeadlineExceeded
		case 2:
			return runtime.Status{Halted: errors.New("the log was cut")}, nil
		}
		return runtime.Status{Running: true, Calls: 1, Trees: 2}, nil
	}
	m := r.look(0)
	f := m.Findings
	if len(f) < 2 || f[0].Severity != Broken || f[0].Waits != "the log was cut" || f[1].What != "task 1 does not answer on w:1" || f[1].Waits != "the handler of step pack of t, which has not returned, for record d/2@9" || f[1].Page != "trees" {
		t.Errorf("found %+v", f)
	}
	if w := m.Tasks[0].Waits; w != "1 call to the outside, events of 2 trees on other tasks" {
		t.Errorf("task 0 waits for %q", w)
	}
	if since := m.Tasks[1].SilentSince; since != m.At || r.look(5).Tasks[1].SilentSince != since {
		t.Error("since when it is silent was forgotten")
	}
}

// A worker that cannot be reached is asked once for one look, not once for each task.
func TestGoneWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.config.AnswerTimeout = time.Hour
	r.town.status = func(task.ID) (runtime.Status, error) {
		return runtime.Status{}, fmt.Errorf("w:1: %w", transport.ErrNoListener)
	}
	g := &gone{}
	for range 3 {
		one := Task{Owner: "w:1"}
		r.o.ask(t.Context(), "m", &one, g)
		if one.State != TaskSilent || one.Error != "w:1: no worker listens on this address" || !one.Gone {
			t.Errorf("%+v", one)
		}
	}
	if n := r.town.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

// A task that was handed over is told as such, with when that was seen.
func TestHandOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if one := r.look(0).Tasks[0]; one.HandedOver || one.OwnerSince != r.at {
		t.Errorf("%+v", one)
	}
	r.town.epoch = "e2"
	if one := r.look(3).Tasks[0]; !one.HandedOver || one.OwnerSince != r.at || one.Epoch != "e2" {
		t.Errorf("%+v", one)
	}
}

// A hand-over from before the first look is told of as its owner tells it, also while the
// owner is silent.
func TestHandOverBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	took := r.at.Add(-10 * time.Minute)
	r.town.status = func(task.ID) (runtime.Status, error) {
		return runtime.Status{Running: true, TookAt: took, TakeOver: 1500 * time.Millisecond, TookFrom: "w:2"}, nil
	}
	check := func(when string, one Task) {
		t.Helper()
		if !one.HandedOver || !one.OwnerSince.Equal(took) || one.TakeOverSeconds != 1.5 || one.TookFrom != "w:2" {
			t.Errorf("%s: %+v", when, one)
		}
	}
	check("at the first look", r.look(0).Tasks[0])
	r.town.status = func(task.ID) (runtime.Status, error) { return runtime.Status{}, context.DeadlineExceeded }
	check("while it is silent", r.look(3).Tasks[0])
	r.town.epoch = "e2"
	if one := r.look(3).Tasks[0]; one.OwnerSince != r.at || one.TakeOverSeconds != 0 || one.TookFrom != "" {
		t.Errorf("of another period, whose owner tells nothing: %+v", one)
	}
}

// A module that cannot be looked at has its error among the others.
func TestAll(t *testing.T) {
	t.Parallel()
	all, err := newRig(t).o.All(t.Context())
	if err != nil || len(all) != 2 || all[0].Module == nil || all[1].Module != nil || all[1].Error == "" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := newRig(t).o.Module(t.Context(), "gone"); !errors.Is(err, client.ErrNoModule) {
		t.Error(err)
	}
}

// The plan has the hops that were seen, each tree counted once.
func TestGraph(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 2 {
		r.at = r.at.Add(time.Minute)
		g, err := r.o.Graph(t.Context(), "m")
		if err != nil || len(g.Edges) != 2 || g.Edges[0] != (Edge{From: "depot /d", To: "source t/s"}) || g.Edges[1] != (Edge{From: "source t/s", To: "step t/pack", Events: 2}) {
			t.Errorf("%+v, %v", g, err)
		}
	}
}

// How long records took is told of each stream topology; where it is not known, why.
func TestLatency(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if l := r.look(0).Topologies[0].Latency; l == nil || l.Count != 0 || l.Why == "" {
		t.Errorf("of no records: %+v", l)
	}
	r.town.latencies = map[string]eventtree.Latency{"t": {Of: eventtree.OfRecords, Count: 100, P50Seconds: 0.5}}
	if l := r.look(2).Topologies[0].Latency; *l != r.town.latencies["t"] {
		t.Errorf("of 100 records: %+v", l)
	}
	r.town.latenciesErr = errors.New("all are away")
	if l := r.look(2).Topologies[0].Latency; !strings.Contains(l.Why, "all are away") {
		t.Errorf("of workers that are away: %+v", l)
	}
}
