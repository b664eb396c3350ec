package integration

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// reporter has orders, and appends what follows from them to other depots.
type reporter struct {
	name    string
	stream  []module.StreamOption
	Orders  module.Depot[order]
	Reports module.Depot[report] // topologies alone append to it
	Alarms  module.Depot[string] // one partition
	Spread  module.Depot[int]

	Taken   pstate.Map[string, int]
	Counts  pstate.Map[string, int]
	Saw     pstate.MapOf[string, pstate.SortedSet[string]] // by order: what reports saw, and where
	Heard   pstate.MapOf[int, pstate.SortedSet[string]]    // by task
	Spreads pstate.MapOf[int, pstate.SortedSet[int]]       // by task
	behind  module.Step[order]
}

type order struct {
	ID    string
	Items []string
	Again int // so many orders follow, one from another
}

type report struct{ Order, Item string }

func (m *reporter) ModuleName() string { return m.name }

func (m *reporter) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(o order) string { return o.ID })
	module.HashDepot(b, &m.Reports, "reports", func(r report) string { return r.Item }, module.DisallowAppends())
	module.GlobalDepot(b, &m.Alarms, "alarms")
	module.RandomDepot(b, &m.Spread, "spread")
	s := b.Stream("orders", m.stream...)
	s.PState(&m.Taken, "taken")
	s.PState(&m.Heard, "heard")
	s.PState(&m.Spreads, "spreads")
	module.DeclareStep(s, &m.behind, "behind", module.ByHash(func(o order) string { return "behind " + o.ID }), func(ev *module.Event, o order) error {
		m.Reports.Emit(ev, report{o.ID, "from behind"})
		return nil
	})
	module.DeclareSource(s, m.Orders, m.onOrder)
	module.DeclareSource(s, m.Alarms, func(ev *module.Event, v string) error {
		m.Heard.Key(int(ev.Task())).Add(ev, v)
		return nil
	})
	module.DeclareSource(s, m.Spread, func(ev *module.Event, n int) error {
		m.Spreads.Key(int(ev.Task())).Add(ev, n)
		return nil
	})
	r := b.Stream("reports", m.stream...)
	r.PState(&m.Counts, "counts")
	r.PState(&m.Saw, "saw")
	module.DeclareSource(r, m.Reports, m.onReport)
}

func (m *reporter) onOrder(ev *module.Event, o order) error {
	m.Taken.Key(o.ID).Set(ev, len(o.Items))
	for _, item := range o.Items {
		m.Reports.Emit(ev, report{o.ID, item})
	}
	m.Reports.EmitTo(ev, ev.Task(), report{o.ID, ""})
	m.behind.Send(ev, o)
	if o.Again > 0 {
		o.Again--
		m.Orders.Emit(ev, o) // to the depot that this stream reads
	}
	switch o.ID {
	case "alarm":
		m.Alarms.Emit(ev, "rings")
	case "far":
		m.Alarms.EmitTo(ev, 1, "rings elsewhere")
	case "spread":
		for n := range 64 {
			m.Spread.Emit(ev, n)
		}
	}
	return nil
}

// onReport counts the reports of an item; the one without an item runs where its
// order was taken, and notes what it sees of it.
func (m *reporter) onReport(ev *module.Event, r report) error {
	if r.Item != "" {
		agg.Inc(ev, m.Counts.Key(r.Item))
		return nil
	}
	n, err := m.Taken.Key(r.Order).Get(ev)
	if err != nil {
		return err
	}
	m.Saw.Key(r.Order).Add(ev, fmt.Sprint("items ", n, " at task ", ev.Task()))
	return nil
}

// promise 3x.08 promise 3x.10 promise 4.04 promise 4.23 promise 3.06, R30: a handler
// appends to depots of its module, by the depot's rule or to a chosen task; also to
// one that takes nothing of clients, and to the one that its stream reads. The
// append that it was made for is answered when the log has what it appended, and
// who processes that sees what the handler wrote.
func TestAppendsOfHandlers(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		const tasks = 4
		ctx := t.Context()
		m := &reporter{name: unique("Reporter")}
		// Orders a, a, a, a, alarm and spread: a report per item, one without, one from behind.
		done := newCountdown(map[string]int{"reports": 9 + 6 + 6, "alarms": 1, "spread": 64})
		if err := c.Launch(ctx, m, localcluster.LaunchConfig{Tasks: tasks, Workers: 2, Listener: done.listener()}); err != nil {
			t.Fatal(err)
		}
		for _, o := range []order{{ID: "a", Items: []string{"x", "y"}, Again: 3}, {ID: "alarm", Items: []string{"x"}}, {ID: "spread"}} {
			if _, err := m.Orders.Append(ctx, c.Client(), o); err != nil {
				t.Fatal(err)
			}
		}
		done.wait(t)
		at := c.Client().At(ctx)
		for item, want := range map[string]int{"x": 5, "y": 4, "from behind": 6} {
			if n, err := m.Counts.Key(item).Get(at); err != nil || n != want {
				t.Errorf("item %s was reported %d times (error %v), want %d", item, n, err, want)
			}
		}
		home := task.Of([]byte("a"), tasks)
		if has, err := m.Saw.Key("a").Has(c.Client().AtTask(ctx, home), fmt.Sprint("items 2 at task ", home)); err != nil || !has {
			t.Errorf("the report did not see its order (error %v)", err)
		}
		if has, err := m.Heard.Key(0).Has(c.Client().AtTask(ctx, 0), "rings"); err != nil || !has {
			t.Errorf("the alarm was not heard (error %v)", err)
		}
		for id := range task.ID(tasks) {
			if n, err := m.Spreads.Key(int(id)).Len(c.Client().AtTask(ctx, id)); err != nil || n == 0 {
				t.Errorf("of 64 records of a random depot none went to task %d (error %v)", id, err)
			}
		}
		var failed *client.FailedError
		if _, err := m.Orders.Append(ctx, c.Client(), order{ID: "far"}); !errors.As(err, &failed) || !strings.Contains(failed.Text, "there is no partition 1; the depot has 0 to 0") {
			t.Errorf("an append to a partition that there is not: %v", err)
		}
		if _, err := m.Reports.Append(ctx, c.Client(), report{}); !errors.Is(err, module.ErrDisallowed) {
			t.Errorf("an append of a client to a depot that takes none: %v", err)
		}
	})
}

// countdown counts the records that sources are done with.
type countdown struct {
	mu   sync.Mutex
	left map[string]int // by source: how many are still to come
	over chan struct{}  // closed when none is
}

func newCountdown(want map[string]int) *countdown {
	return &countdown{left: want, over: make(chan struct{})}
}

func (c *countdown) listener() *runtime.Listener {
	return &runtime.Listener{RecordDone: func(i runtime.RecordInfo) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.left[i.Source] == 0 {
			return
		}
		c.left[i.Source]--
		for _, n := range c.left {
			if n > 0 {
				return
			}
		}
		close(c.over)
	}}
}

// wait waits until all have come.
func (c *countdown) wait(t *testing.T) {
	t.Helper()
	select {
	case <-c.over:
	case <-t.Context().Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		t.Fatalf("the test ended while records were missing: %v", c.left)
	}
}

// R30: the appends of an exactly-once topology say in a header which they are; the
// log may have one twice, and it is processed once.
func TestARepeatedAppendIsDropped(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		ctx := t.Context()
		m := &reporter{name: unique("Reporter"), stream: []module.StreamOption{module.ExactlyOnce()}}
		dropped := make(chan runtime.AppendDroppedInfo, 10)
		done := newCountdown(map[string]int{"alarms": 3})
		listener := done.listener()
		listener.AppendDropped = func(i runtime.AppendDroppedInfo) { dropped <- i }
		if err := c.Launch(ctx, m, localcluster.LaunchConfig{Tasks: 2, Workers: 2, Listener: listener}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := m.Orders.Append(ctx, c.Client(), order{ID: "alarm"}); err != nil {
				t.Fatal(err)
			}
		}
		topic, err := c.Log().Ensure(ctx, depot.TopicSpec{Module: m.name, Depot: "alarms", Partitions: 1})
		if err != nil {
			t.Fatal(err)
		}
		records := readSome(t, c.Log(), topic, 2)
		for i, r := range records {
			id, ok, err := wire.FindAppendID(&r)
			if !ok || err != nil || id.Module != m.name || id.Number != uint64(i)+1 {
				t.Fatalf("record %d says of itself %+v, %v, %v", i, id, ok, err)
			}
			again := make(chan error, 1)
			c.Log().Append(ctx, topic.Name, 0, depot.Record{Key: r.Key, Value: r.Value, Headers: r.Headers}, depot.Replicated, func(_ int64, err error) { again <- err })
			if err := <-again; err != nil {
				t.Fatal(err)
			}
			if got := <-dropped; got.Number != id.Number || got.Early || got.Source != "alarms" {
				t.Errorf("dropped %+v", got)
			}
		}
		if _, err := m.Alarms.Append(ctx, c.Client(), "from a client"); err != nil {
			t.Fatal(err)
		}
		done.wait(t)
	})
}

// readSome reads the first records of partition 0.
func readSome(t *testing.T, log depot.Log, topic depot.Topic, n int) []depot.Record {
	t.Helper()
	reader, err := log.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.Assign(depot.Position{Topic: topic.Name, TopicID: topic.ID, LeaderEpoch: -1}); err != nil {
		t.Fatal(err)
	}
	var records []depot.Record
	for len(records) < n {
		if err := reader.Poll(t.Context(), 0, func(d depot.Delivery) {
			if d.Fault != nil {
				t.Error(d.Fault)
			}
			records = append(records, d.Records...)
		}); err != nil {
			t.Fatal(err)
		}
	}
	return records
}
