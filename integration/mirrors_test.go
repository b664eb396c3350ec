package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/worker"
)

// sold is a record of the module that others mirror.
type sold struct {
	Buyer  string
	Amount int
}

// outlet is mirrored: it keeps what each buyer has spent.
type outlet struct {
	name   string
	Orders module.Depot[sold]
	Spent  pstate.Map[string, int]
	Total  module.Query[[]string, int]
}

func (m *outlet) ModuleName() string { return m.name }

func (m *outlet) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(o sold) string { return o.Buyer })
	s := b.Stream("spending")
	s.PState(&m.Spent, "spent")
	module.DeclareSource(s, m.Orders, func(ev *module.Event, o sold) error {
		m.Spent.Key(o.Buyer).Update(ev, func(n int) int { return n + o.Amount })
		return nil
	})
	module.DeclareQuery(b, &m.Total, "total", func(q *module.Asked, buyers []string) (int, error) {
		spent, err := module.Each(q, buyers, func(q *module.Asked, buyer string) (int, error) { return m.Spent.Key(buyer).Get(q) })
		return module.Gather(spent, 0, func(sum, n int) int { return sum + n }), err
	})
}

// follower reads the orders of an outlet with three topologies.
type follower struct {
	name, of string
	Orders   module.Depot[sold]
	Once     pstate.Map[string, int] // by a stream without hops
	Exact    pstate.Map[string, int] // by an exactly-once stream
	Batched  pstate.Map[string, int] // by a microbatch

	add module.Step[sold]
}

func (m *follower) ModuleName() string { return m.name }

func (m *follower) Define(b *module.Builder) {
	module.MirrorDepot(b, &m.Orders, m.of, "orders")
	s := b.Stream("stream")
	s.PState(&m.Once, "once")
	module.DeclareSource(s, m.Orders, func(ev *module.Event, o sold) error {
		agg.Inc(ev, m.Once.Key(o.Buyer))
		return nil
	}, module.StartFromBeginning())

	exact := b.Stream("exact", module.ExactlyOnce())
	exact.PState(&m.Exact, "exact")
	module.DeclareStep(exact, &m.add, "add", module.At(&m.Exact, func(o sold) string { return o.Buyer }), func(ev *module.Event, o sold) error {
		m.Exact.Key(o.Buyer).Update(ev, func(n int) int { return n + o.Amount })
		return nil
	})
	module.DeclareSource(exact, m.Orders, func(ev *module.Event, o sold) error {
		m.add.Send(ev, o)
		return nil
	}, module.StartFromBeginning())

	batched := b.Microbatch("batched")
	batched.PState(&m.Batched, "batched")
	module.DeclareSource(batched, m.Orders, func(ev *module.Event, o sold) error {
		m.Batched.Key(o.Buyer).Update(ev, func(n int) int { return n + o.Amount })
		return nil
	}, module.StartFromBeginning())
}

// A depot of another module is read by streams, exactly-once streams and microbatches, each
// record by each, whether the modules have the same number of tasks or not; also what was
// appended before. Appends do not wait for them.
//
// promise 3.30, 3x.15
func TestMirroredDepots(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		s := &outlet{name: unique("outlet")}
		if err := c.Launch(t.Context(), s, localcluster.LaunchConfig{Tasks: 5}); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{}
		var places []client.Place
		put := func(n int) {
			for i := range n {
				o := sold{fmt.Sprint("buyer ", i%7), i + 1}
				r, err := s.Orders.Record(o)
				if err != nil {
					t.Fatal(err)
				}
				place, err := c.Client().Put(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				places = append(places, place)
				want[o.Buyer] += o.Amount
			}
		}
		put(20)
		var followers []*follower
		for _, tasks := range []int{2, 5, 8} {
			f := &follower{name: unique("follower"), of: s.name}
			if err := c.Launch(t.Context(), f, localcluster.LaunchConfig{Tasks: tasks}); err != nil {
				t.Fatal(err)
			}
			followers = append(followers, f)
		}
		put(20)
		for _, f := range followers {
			for _, place := range places {
				if err := c.Client().WaitMirrored(t.Context(), f.name, place); err != nil {
					t.Fatal(err)
				}
			}
			f.check(t, c, want, len(places))
		}
	})
}

// check looks whether the topologies have seen each sold once: those that neither hop nor
// fail, and those that do so exactly once.
func (m *follower) check(t *testing.T, c *localcluster.Cluster, want map[string]int, records int) {
	t.Helper()
	for buyer, spent := range want {
		at := c.Client().At(t.Context())
		for name, p := range map[string]pstate.Map[string, int]{"exact": m.Exact} {
			if got, err := p.Key(buyer).Get(at); got != spent || err != nil {
				t.Errorf("%s of %s: %d, %v; want %d", name, buyer, got, err, spent)
			}
		}
	}
	tasks, err := c.Client().Tasks(t.Context(), m.name)
	if err != nil {
		t.Fatal(err)
	}
	// Where the records are processed is up to the other module's partitions.
	sums := map[string]int{}
	counted := 0
	for buyer := range want {
		for i := range tasks {
			at := c.Client().AtTask(t.Context(), module.TaskID(i))
			batched, err := m.Batched.Key(buyer).Get(at)
			once, errOnce := m.Once.Key(buyer).Get(at)
			if err := errors.Join(err, errOnce); err != nil {
				t.Fatal(err)
			}
			sums[buyer] += batched
			counted += once
		}
		if sums[buyer] != want[buyer] {
			t.Errorf("microbatches of %s, %d tasks: %s is %d, want %d", m.name, len(tasks), buyer, sums[buyer], want[buyer])
		}
	}
	if counted != records {
		t.Errorf("the stream of %s, %d tasks, has seen %d records, want %d", m.name, len(tasks), counted, records)
	}
	progress, err := c.Client().Progress(t.Context(), m.name, "")
	if err != nil {
		t.Fatal(err)
	}
	partitions := map[string][]int32{}
	for _, p := range progress {
		partitions[p.Topology] = append(partitions[p.Topology], p.Partition)
	}
	for topology, of := range partitions {
		if slices.Sort(of); !slices.Equal(of, []int32{0, 1, 2, 3, 4}) {
			t.Errorf("topology %s of %d tasks reads the partitions %v, want each once", topology, len(tasks), of)
		}
	}
}

// asker looks up what an outlet knows of a buyer, by its PState and by its query.
type asker struct {
	name, of string
	options  []module.StreamOption
	Names    module.Depot[string]
	Spent    pstate.Map[string, int]
	Total    module.Query[[]string, int]
	Known    pstate.Map[string, int]
	Both     module.Query[string, int]

	look module.Call[string]
	keep module.Step[found]
}

type found struct {
	Name         string
	Spent, Total int
}

func (m *asker) ModuleName() string { return m.name }

func (m *asker) Define(b *module.Builder) {
	b.MirrorPState(&m.Spent, m.of, "spent")
	module.MirrorQuery(b, &m.Total, m.of, "total")
	module.HashDepot(b, &m.Names, "names", func(s string) string { return s })
	s := b.Stream("asking", m.options...)
	s.PState(&m.Known, "known")
	module.DeclareLookup(s, &m.look, "look", m.find, &m.keep)
	module.DeclareStep(s, &m.keep, "keep", module.At(&m.Known, func(f found) string { return f.Name }), func(ev *module.Event, f found) error {
		m.Known.Key(f.Name).Set(ev, f.Spent+1000*f.Total)
		return nil
	})
	module.DeclareSource(s, m.Names, func(ev *module.Event, name string) error {
		m.look.Start(ev, name)
		return nil
	}, module.MaxAttempts(2))
	module.DeclareQuery(b, &m.Both, "both", func(q *module.Asked, name string) (int, error) {
		f, err := m.find(q, name)
		return f.Spent + f.Total, err
	})
}

func (m *asker) find(q *module.Asked, name string) (found, error) {
	spent, err := m.Spent.Key(name).Get(q)
	total, errTotal := m.Total.Within(q, []string{name})
	return found{name, spent, total}, errors.Join(err, errTotal)
}

// PStates and queries of another module are read by lookups of streams, by queries and by
// clients: what is committed there, on whatever task it lies; on the same worker and on another.
//
// promise 0.16
func TestMirroredPStatesAndQueries(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		s := &outlet{name: unique("outlet")}
		if err := c.Launch(t.Context(), s, localcluster.LaunchConfig{Tasks: 5, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if _, err := s.Orders.Append(t.Context(), c.Client(), sold{fmt.Sprint("buyer ", i), i}); err != nil {
				t.Fatal(err)
			}
		}
		for name, options := range map[string][]module.StreamOption{"atleastonce": nil, "exactlyonce": {module.ExactlyOnce()}} {
			a := &asker{name: unique(name), of: s.name, options: options}
			if err := c.Launch(t.Context(), a, localcluster.LaunchConfig{Tasks: 3}); err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				buyer := fmt.Sprint("buyer ", i)
				if _, err := a.Names.Append(t.Context(), c.Client(), buyer); err != nil {
					t.Fatal(err)
				}
				at := c.Client().At(t.Context())
				if got, err := a.Known.Key(buyer).Get(at); got != i+1000*i || err != nil {
					t.Errorf("%s: the lookup found %d, %v", buyer, got, err)
				}
				if got, err := a.Both.Ask(t.Context(), c.Client(), buyer); got != 2*i || err != nil {
					t.Errorf("%s: the query found %d, %v", buyer, got, err)
				}
				if got, err := a.Spent.Key(buyer).Get(at); got != i || err != nil {
					t.Errorf("%s: the client reads %d, %v", buyer, got, err)
				}
				if got, err := a.Total.Ask(t.Context(), c.Client(), []string{buyer}); got != i || err != nil {
					t.Errorf("%s: the client asks and gets %d, %v", buyer, got, err)
				}
			}
		}
	})
}

// wrongMirror mirrors what there is not, or otherwise.
type wrongMirror struct {
	name, of string
	declare  func(m *wrongMirror, b *module.Builder)

	Ints    module.Depot[int]
	Orders  module.Depot[sold]
	Texts   pstate.Map[string, string]
	Spent   pstate.Map[string, int]
	Total   module.Query[string, int]
	Numbers module.Depot[int]
}

func (m *wrongMirror) ModuleName() string { return m.name }
func (m *wrongMirror) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Numbers, "numbers")
	m.declare(m, b)
}

// What is mirrored has to be there, and declared alike: all that is not is said when the
// module is launched.
func TestMirrorsThatFindNothing(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		s := &outlet{name: unique("outlet")}
		if err := c.Launch(t.Context(), s, localcluster.LaunchConfig{Tasks: 2}); err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			of      string
			declare func(m *wrongMirror, b *module.Builder)
			want    []string
		}{
			{"nobody", func(m *wrongMirror, b *module.Builder) { module.MirrorDepot(b, &m.Orders, m.of, "orders") }, []string{`depot "nobody.orders": module nobody was never launched here`}},
			{s.name, func(m *wrongMirror, b *module.Builder) {
				module.MirrorDepot(b, &m.Orders, m.of, "sold")
				b.MirrorPState(&m.Spent, m.of, "spend")
				module.MirrorQuery(b, &m.Total, m.of, "sum")
			}, []string{"has no such depot; it has orders", "has no such PState; it has spent", "has no such query; it has total"}},
			{s.name, func(m *wrongMirror, b *module.Builder) {
				module.MirrorDepot(b, &m.Ints, m.of, "orders")
				b.MirrorPState(&m.Texts, m.of, "spent")
				module.MirrorQuery(b, &m.Total, m.of, "total")
			}, []string{"its records are of other types", "is declared as map[string]int, mirrored as map[string]string", "its argument is []string, mirrored as string"}},
		} {
			m := &wrongMirror{name: unique("wrong"), of: x.of, declare: x.declare}
			err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2})
			var wrong *module.DependencyError
			if !errors.As(err, &wrong) || len(wrong.Mistakes) != len(x.want) {
				t.Errorf("launched: %v; want a DependencyError with %d mistakes", err, len(x.want))
				continue
			}
			for _, want := range x.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\ndoes not say %q", err, want)
				}
			}
		}
	})
}

// outletLess is a version of an outlet without its PState and its query, and with other records.
type outletLess struct {
	name   string
	Orders module.Depot[string]
}

func (m *outletLess) ModuleName() string { return m.name }
func (m *outletLess) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Orders, "orders")
	s := b.Stream("spending")
	module.DeclareSource(s, m.Orders, func(*module.Event, string) error { return nil })
}

// A version of a module that takes away what others mirror is refused, as is its removal, and
// both name who mirrors what. A module that mirrors keeps the depot's records from being
// trimmed, and is described. When nobody mirrors it any more it may go.
func TestModulesThatOthersMirror(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		s := &outlet{name: unique("outlet")}
		if err := c.Launch(t.Context(), s, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		a, f := &asker{name: unique("asker"), of: s.name}, &follower{name: unique("follower"), of: s.name}
		for _, m := range []module.Module{a, f} {
			if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Client().Pause(t.Context(), f.name, "stream"); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if _, err := s.Orders.Append(t.Context(), c.Client(), sold{"someone", i}); err != nil {
				t.Fatal(err)
			}
		}
		trimmed, err := c.Client().TrimDepot(t.Context(), s.name, "orders", client.TrimConfig{EntriesMax: 1})
		if needed := f.name + "/stream/" + s.name + ".orders"; err != nil || trimmed[0].NeededBy != needed || trimmed[0].Deleted != 0 {
			t.Errorf("trimmed %+v, %v; want nothing, for %s", trimmed, err, needed)
		}

		d, err := c.Client().Describe(t.Context(), a.name)
		if err != nil || len(d.Mirrors) != 2 || d.Mirrors[0] != (client.MirrorInfo{Kind: "PState", Module: s.name, Name: "spent", Type: "map[string]int"}) {
			t.Errorf("described: %+v, %v", d.Mirrors, err)
		}
		if d, err = c.Client().Describe(t.Context(), s.name); err != nil || len(d.MirroredBy) != 3 {
			t.Errorf("described: %+v, %v; want 3 mirrors of it", d.MirroredBy, err)
		}

		var lost *module.DependentsError
		err = c.Launch(t.Context(), &outletLess{name: s.name}, localcluster.LaunchConfig{Tasks: 1})
		if !errors.As(err, &lost) || len(lost.Dependents) != 2 {
			t.Fatalf("the version that takes all away: %v", err)
		}
		for _, want := range []string{
			fmt.Sprintf("module %s mirrors PState %q: module %s has no such PState; it has none", a.name, s.name+".spent", s.name),
			fmt.Sprintf("module %s mirrors query %q", a.name, s.name+".total"),
			fmt.Sprintf("module %s mirrors depot %q: its records are of other types", f.name, s.name+".orders"),
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\ndoes not say %q", err, want)
			}
		}
		if err := c.Client().RemoveModule(t.Context(), s.name); !errors.As(err, &lost) || !strings.Contains(err.Error(), a.name) {
			t.Errorf("removed: %v; want that it names %s", err, a.name)
		}
		if err := c.Client().RemoveModule(t.Context(), f.name); !errors.Is(err, client.ErrRunning) {
			t.Errorf("removed: %v, want %v", err, client.ErrRunning)
		}
		for _, w := range c.Workers() {
			if err := w.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{a.name, f.name, s.name} {
			if err := c.Client().RemoveModule(t.Context(), name); err != nil {
				t.Errorf("removed: %v", err)
			}
			if _, err := c.Client().Describe(t.Context(), name); !errors.Is(err, client.ErrNoModule) {
				t.Errorf("described after that: %v", err)
			}
		}
		var changed *module.ChangedError
		if err := c.Launch(t.Context(), &otherSpent{name: s.name}, localcluster.LaunchConfig{Tasks: 1}); !errors.As(err, &changed) {
			t.Errorf("launched again over the data, with another schema: %v", err)
		}
	})
}

// otherSpent keeps something else under the name of the outlet's PState.
type otherSpent struct {
	name   string
	Orders module.Depot[sold]
	Spent  pstate.Map[int, string]
}

func (m *otherSpent) ModuleName() string { return m.name }
func (m *otherSpent) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(o sold) string { return o.Buyer })
	s := b.Stream("spending")
	s.PState(&m.Spent, "spent")
	module.DeclareSource(s, m.Orders, func(*module.Event, sold) error { return nil })
}

// Modules of one worker that mirror each other come in the order in which they need each
// other, whatever the order in which they are given.
func TestModulesOfOneWorker(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		s := &outlet{name: unique("outlet")}
		a, f := &asker{name: unique("asker"), of: s.name}, &follower{name: unique("follower"), of: s.name}
		w, err := worker.Start(t.Context(), worker.Config{Log: c.Log(), Store: c.Store(), Network: c.Network(), Tasks: 3}, a, f, s)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		for _, m := range []module.Module{s, a, f} {
			if err := c.Client().Use(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		put := func(amount int) {
			t.Helper()
			if _, err := s.Orders.Append(t.Context(), c.Client(), sold{"ann", amount}); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(want int) {
			t.Helper()
			if _, err := a.Names.Append(t.Context(), c.Client(), "ann"); err != nil {
				t.Fatal(err)
			}
			if got, err := a.Known.Key("ann").Get(c.Client().At(t.Context())); got != want || err != nil {
				t.Errorf("known: %d, %v; want %d", got, err, want)
			}
		}
		put(3)
		ask(3003)
		// One of them stops; the others go on, and it goes on where it left off.
		if err := w.StopModule(t.Context(), s.name); err != nil {
			t.Fatal(err)
		}
		if err := w.StopModule(t.Context(), s.name); !errors.Is(err, worker.ErrNoModule) {
			t.Errorf("stopped twice: %v", err)
		}
		if got, err := a.Spent.Key("ann").Get(c.Client().At(t.Context())); got != 3 || err != nil {
			t.Errorf("its PState, mirrored: %d, %v", got, err)
		}
		r, err := s.Orders.Record(sold{"ann", 4})
		if err != nil {
			t.Fatal(err)
		}
		place, err := c.Client().Put(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Client().WaitMirrored(t.Context(), f.name, place); err != nil {
			t.Errorf("a module that mirrors what is stopped: %v", err)
		}
		if err := w.StartModule(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := w.StartModule(t.Context(), s); err == nil {
			t.Error("started twice")
		}
		if err := c.Client().WaitProcessed(t.Context(), place); err != nil {
			t.Fatal(err)
		}
		ask(7007)
		put(1)
		ask(8008)
	})
}
