package integration

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// starting is a module whose sources begin where the test says; each notes what it
// sees. Without sources it only has the depot.
type starting struct {
	name    string
	starts  map[string]module.SourceOption // by SourceID
	Numbers module.Depot[int]
	Seen    pstate.MapOf[string, pstate.SortedSet[int]] // by source
}

func (m *starting) ModuleName() string { return m.name }

func (m *starting) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Numbers, "numbers")
	if len(m.starts) == 0 {
		return
	}
	s := b.Stream("starts")
	s.PState(&m.Seen, "seen")
	for id, option := range m.starts {
		module.DeclareSource(s, m.Numbers, func(ev *module.Event, n int) error {
			m.Seen.Key(id).Add(ev, n)
			return nil
		}, module.SourceID(id), option, module.MaxAttempts(3))
	}
}

// seen is what a source has seen.
func (m *starting) seen(t *testing.T, c *localcluster.Cluster, source string) []int {
	t.Helper()
	var all []int
	for n, err := range m.Seen.Key(source).Range(c.Client().AtTask(t.Context(), 0), pstate.All[int]()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// run runs a version of the module on a worker of its own, and does something.
func (m *starting) run(t *testing.T, c *localcluster.Cluster, options runtime.Options, listener *runtime.Listener, do func()) {
	t.Helper()
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1, Options: options, Listener: listener}); err != nil {
		t.Fatal(err)
	}
	do()
	for _, w := range c.Workers() {
		if err := w.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// moment returns a time that lies behind all that was appended before the call, and
// before all that is appended after it, as far as logs tell: they know milliseconds.
func moment() time.Time {
	begun := time.Now()
	<-time.After(3 * time.Millisecond)
	return begun.Add(time.Millisecond).Truncate(time.Millisecond)
}

func (m *starting) append(t *testing.T, c *localcluster.Cluster, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if _, err := m.Numbers.Append(t.Context(), c.Client(), n); err != nil {
			t.Fatal(err)
		}
	}
}

// promise 3.66, promise 3.67, promise 3.68, promise 3.69, promise 3.70, promise 3.71,
// promise 3.72, promise 3.73, promise 3x.03, R22: a source begins where its option says, be it the
// end by default, the first record, behind a moment, so many records or so much time
// ago, the first time that it sees its partition. What the option says later changes
// nothing.
func TestWhereSourcesBegin(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		name := unique("Starting")
		before := &starting{name: name}
		var middle time.Time
		before.run(t, c, runtime.Options{}, nil, func() {
			before.append(t, c, 0, 3)
			middle = moment()
			before.append(t, c, 3, 6)
		})
		end := func(*module.SourcePlan) {}
		m := &starting{name: name, starts: map[string]module.SourceOption{
			"end": end, "beginning": module.StartFromBeginning(), "after": module.StartFromTimestamp(middle),
			"records": module.StartFromRecordsAgo(2), "hour": module.StartFromTimeAgo(time.Hour),
		}}
		want := map[string][]int{
			"end": {6, 7}, "beginning": {0, 1, 2, 3, 4, 5, 6, 7}, "after": {3, 4, 5, 6, 7}, "records": {4, 5, 6, 7}, "hour": {0, 1, 2, 3, 4, 5, 6, 7},
		}
		check := func(when string) {
			t.Helper()
			for source, numbers := range want {
				if got := m.seen(t, c, source); !slices.Equal(got, numbers) {
					t.Errorf("%s, source %s saw %v, want %v", when, source, got, numbers)
				}
			}
		}
		m.run(t, c, runtime.Options{}, nil, func() {
			m.append(t, c, 6, 8)
			check("at first")
		})
		again := &starting{name: name, starts: map[string]module.SourceOption{}}
		for source := range m.starts {
			again.starts[source] = module.StartFromBeginning()
		}
		m = again
		m.run(t, c, runtime.Options{}, nil, func() {
			m.append(t, c, 8, 9)
			for source := range want {
				want[source] = append(want[source], 8)
			}
			check("with other options")
		})
	})
}

// promise 3x.01, promise 3.101, promise 3.102: a source that begins far behind the others reads apart from them:
// they go on meanwhile. When it has caught up it joins them, and each record counts
// once for each.
func TestASourceCatchesUp(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		name := unique("Starting")
		const old, more = 200, 20
		before := &starting{name: name}
		before.run(t, c, runtime.Options{}, nil, func() { before.append(t, c, 0, old) })
		m := &starting{name: name, starts: map[string]module.SourceOption{"live": func(*module.SourcePlan) {}, "late": module.StartFromBeginning()}}
		var joined atomic.Int64
		synced := make(chan struct{})
		listener := &runtime.Listener{Joined: func(i runtime.JoinedInfo) {
			if joined.Add(1) == 1 {
				close(synced)
			}
		}}
		m.run(t, c, runtime.Options{DepotCacheCardinality: 20, CatchupChunkSize: 10}, listener, func() {
			for n := range more {
				if _, err := m.Numbers.Append(t.Context(), c.Client(), old+n, module.Wait(module.AckAppend)); err != nil {
					t.Error(err)
				}
			}
			<-synced
			m.append(t, c, old+more, old+2*more)
			if got := m.seen(t, c, "late"); len(got) != old+2*more {
				t.Errorf("the late source saw %d records, want %d", len(got), old+2*more)
			}
			if got := m.seen(t, c, "live"); len(got) != 2*more {
				t.Errorf("the live source saw %d records, want %d", len(got), 2*more)
			}
		})
		if n := joined.Load(); n != 1 {
			t.Errorf("sources joined %d times", n)
		}
	})
}
