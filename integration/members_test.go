package integration

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// census counts records. The even ones stay where they are, which is exactly once;
// the odd ones tell another task, which is at least once, unless options say otherwise.
type census struct {
	name    string
	options []module.StreamOption
	Clicks  module.Depot[int]
	Here    pstate.Map[int, int]
	There   pstate.Map[int, int]
	tell    module.Step[int]
}

const keysOfCensus = 16

func (m *census) ModuleName() string { return m.name }

func (m *census) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(n int) int { return n % keysOfCensus })
	s := b.Stream("census", m.options...)
	s.PState(&m.Here, "here")
	s.PState(&m.There, "there")
	module.DeclareStep(s, &m.tell, "tell", module.At(&m.There, func(n int) int { return n }), func(ev *module.Event, n int) error {
		agg.Inc(ev, m.There.Key(n))
		return nil
	})
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, n int) error {
		agg.Inc(ev, m.Here.Key(n%keysOfCensus))
		if n%2 == 1 {
			m.tell.Send(ev, n*7%keysOfCensus)
		}
		return nil
	})
}

// counted adds up the even records, and those who were told of odd ones.
func (m *census) counted(t *testing.T, c *localcluster.Cluster) (even, told int) {
	t.Helper()
	for key := range keysOfCensus {
		here, err := m.Here.Key(key).Get(c.Client().At(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if key%2 == 0 {
			even += here
		}
		there, err := m.There.Key(key).Get(c.Client().At(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		told += there
	}
	return even, told
}

// append appends a record and waits until it is processed.
func (m *census) append(t *testing.T, c *localcluster.Cluster, n int) {
	_, err := m.Clicks.Append(t.Context(), c.Client(), n)
	var failed *client.FailedError
	for errors.As(err, &failed) && failed.WillRetry {
		_, err = c.Client().Await(t.Context(), failed.Place)
	}
	if err != nil {
		t.Errorf("append %d: %v", n, err)
	}
}

// group is what nominates, and how workers talk.
type group struct {
	name    string
	network transport.Network
	group   func(c *localcluster.Cluster) nomination.Group
}

func groups() []group {
	return []group{
		{"in memory", nil, func(*localcluster.Cluster) nomination.Group { return nil }},
		{"kafka and grpc", grpctransport.New(grpctransport.Config{}), func(c *localcluster.Cluster) nomination.Group {
			return c.Log().(*kafkadepot.Log).Group(kafkadepot.GroupConfig{})
		}},
	}
}

// R1 to R6, promise 3.64: workers join, leave and die under load; every record is
// processed, those that do not hop exactly once, and every append returns.
func TestWorkersComeAndGo(t *testing.T) {
	t.Parallel()
	for _, g := range groups() {
		for _, w := range worlds() {
			t.Run(g.name+" on "+w.name, func(t *testing.T) {
				t.Parallel()
				w.network = g.network
				c := start(t, w)
				comeAndGo(t, c, g.group(c), &census{name: unique("Census")})
			})
		}
	}
}

// R23 to R29, promise 3.56: the same in an exactly-once stream. No record counts twice,
// neither where it is nor where it is told of.
func TestExactlyOnceWhileWorkersComeAndGo(t *testing.T) {
	t.Parallel()
	for _, g := range groups() {
		for _, w := range worlds() {
			t.Run(g.name+" on "+w.name, func(t *testing.T) {
				t.Parallel()
				w.network = g.network
				c := start(t, w)
				comeAndGo(t, c, g.group(c), &census{name: unique("Census"), options: []module.StreamOption{module.ExactlyOnce()}})
			})
		}
	}
}

func comeAndGo(t *testing.T, c *localcluster.Cluster, nominations nomination.Group, m *census) {
	const appenders, each = 8, 150
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 6, Group: nominations}); err != nil {
		t.Fatal(err)
	}
	progress := make(chan struct{}, appenders*each)
	var mu sync.Mutex
	var took []time.Duration
	var appending sync.WaitGroup
	for a := range appenders {
		appending.Go(func() {
			for i := range each {
				begun := time.Now()
				m.append(t, c, a*each+i)
				mu.Lock()
				took = append(took, time.Since(begun))
				mu.Unlock()
				progress <- struct{}{}
			}
		})
	}
	join := func() *worker.Worker {
		w, err := c.AddWorker(t.Context(), m)
		if err != nil {
			t.Error(err)
		}
		return w
	}
	first := c.Workers()[0]
	var second, third *worker.Worker
	for _, happen := range []func(){
		func() { second = join() },
		func() { third = join() },
		func() { _ = first.Stop(t.Context()) },
		func() { second.Abort() },
		func() { join() },
		func() { _ = third.Stop(t.Context()) },
	} {
		for range appenders * each / 8 {
			<-progress
		}
		happen()
	}
	appending.Wait()
	const half = appenders * each / 2
	even, told := m.counted(t, c)
	if even != half || told < half || len(m.options) > 0 && told != half {
		t.Errorf("counted %d even records and told of %d odd ones, want %d and no less; exactly so where hops are exactly once", even, told, half)
	}
	slices.Sort(took)
	t.Logf("repeated %d of %d; appends took p50 %v, p99 %v, at most %v", told-half, half,
		took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}
