package localcluster_test

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
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// market is a module whose queries are flows.
type market struct {
	Sales  module.Depot[sale]
	Sold   pstate.MapOf[string, pstate.SortedMap[int, int]] // by fruit, by number: pieces
	Prices pstate.SortedMap[string, int]                    // by fruit
	Next   pstate.Map[string, string]                       // a chain of fruits

	Groups   module.Query[int, []string]
	Joined   module.Query[string, []string]
	Twice    module.Query[struct{}, int]
	Last     module.Query[string, string]
	Fields   module.Query[[]string, []int]
	Within   module.Query[int, int]
	Answers  module.Query[int, int]
	Nothing  module.Query[struct{}, string]
	Elsewhat module.Query[int, int]

	Asked module.Depot[int]
	Told  module.Ack[int]
}

type sale struct {
	Fruit         string
	Number        int
	Pieces, Price int
	Next          string
}

// declare declares what is asked about.
func (m *market) declare(b *module.Builder) *module.Stream {
	module.HashDepot(b, &m.Sales, "sales", func(s sale) string { return s.Fruit })
	s := b.Stream("s")
	s.PState(&m.Sold, "sold")
	s.PState(&m.Prices, "prices")
	s.PState(&m.Next, "next")
	module.DeclareSource(s, m.Sales, func(ev *module.Event, s sale) error {
		if s.Pieces > 0 {
			m.Sold.Key(s.Fruit).Key(s.Number).Set(ev, s.Pieces)
		}
		if s.Price > 0 {
			m.Prices.Key(s.Fruit).Set(ev, s.Price)
		}
		if s.Next != "" {
			m.Next.Key(s.Fruit).Set(ev, s.Next)
		}
		return nil
	})
	return s
}

func (m *market) Define(b *module.Builder) {
	s := m.declare(b)
	module.RandomDepot(b, &m.Asked, "asked")
	module.DeclareAck(s, &m.Told, agg.Sum[int]())
	flow.Source(s, m.Asked, func(b *flow.Block, least flow.Var[int]) {
		groups := flow.InvokeQuery(b, &m.Groups, least)
		flow.AckReturn(b, m.Told, flow.F2(func(all []string, least int) int { return 100*least + len(all) }, groups, least))
	})
	flow.Query(b, &m.Groups, "groups", m.groups)
	flow.Query(b, &m.Joined, "joined", m.joined)
	flow.Query(b, &m.Twice, "twice", m.twice)
	flow.Query(b, &m.Last, "last", m.last)
	flow.Query(b, &m.Fields, "fields", m.fields)
	flow.Query(b, &m.Within, "within", func(b *flow.Block, n flow.Var[int], answer flow.Answer[int]) {
		groups := flow.InvokeQuery(b, &m.Groups, n)
		answer(b, flow.F1(func(all []string) int { return len(all) }, groups))
	})
	flow.Query(b, &m.Answers, "answers", func(b *flow.Block, n flow.Var[int], answer flow.Answer[int]) {
		answer(b, flow.Range(b, flow.Const(0), n))
	})
	flow.Query(b, &m.Nothing, "nothing", func(b *flow.Block, _ flow.Var[struct{}], answer flow.Answer[string]) {
		flow.BatchBlock(b, "block", func(b *flow.Block) {
			flow.Stop(b)
		})
		flow.BatchBlock(b, "next", func(b *flow.Block) {
			n, there := flow.Aggregate(b, agg.Smallest[int](), flow.Const(7))
			answer(b, flow.F2(func(n int, there bool) string { return fmt.Sprint(n, there) }, n, there))
		})
	})
	flow.Query(b, &m.Elsewhat, "elsewhere", func(b *flow.Block, n flow.Var[int], answer flow.Answer[int]) {
		flow.HopTo(b, flow.F1(func(n int) module.TaskID { return module.TaskID(n) }, n))
		answer(b, n)
	})
}

func pieces(e pstate.Entry[string, pstate.SortedMap[int, int]]) string { return e.Key }

// sold goes to each task, and on from each number of pieces of a fruit.
func (m *market) sold(b *flow.Block) (fruit flow.Var[string], n flow.Var[int]) {
	flow.HopAll(b)
	entry := flow.LocalSelect(b, flow.Along(nav.MapEntries(nav.From(m.Sold))))
	fruit = flow.Each(b, flow.F1(pieces, entry))
	n = flow.LocalSelect(b, flow.Path(func(fruit string) nav.Path[nav.Root, int, nav.Value] {
		return nav.MapVals(nav.From(m.Sold.Key(fruit)))
	}, fruit))
	return fruit, n
}

// groups lists the fruits of which at least so many pieces were sold, most first.
func (m *market) groups(b *flow.Block, least flow.Var[int], answer flow.Answer[[]string]) {
	flow.BatchBlock(b, "groups", func(b *flow.Block) {
		fruit, n := m.sold(b)
		least := flow.Each(b, least)
		key := flow.F2(func(fruit string, least int) wanted { return wanted{fruit, least} }, fruit, least)
		of, sum := flow.GroupBy(b, key, module.ByKey[wanted](), agg.Sum[int](), n)
		flow.KeepTrue(b, flow.F2(func(of wanted, sum int) bool { return sum >= of.Least }, of, sum))
		text := flow.F2(func(of wanted, sum int) string { return fmt.Sprintf("%03d %s", sum, of.Fruit) }, of, sum)
		top, _ := flow.Aggregate(b, agg.Top(10, func(a, b string) int { return strings.Compare(b, a) }), text)
		answer(b, top)
	})
}

type wanted struct {
	Fruit string
	Least int
}

// joined brings sums and prices together, all of both sides.
func (m *market) joined(b *flow.Block, _ flow.Var[string], answer flow.Answer[[]string]) {
	flow.BatchBlock(b, "joined", func(b *flow.Block) {
		prices := b.Anchor().Hook()
		flow.HopAll(prices)
		priced, price := flow.Expand2(prices, func(e pstate.Entry[string, int]) (string, int) { return e.Key, e.Val },
			flow.LocalSelect(prices, flow.Along(nav.MapEntries(nav.From(m.Prices)))))
		fruit, n := m.sold(b)
		fruit, n = flow.GroupBy(b, fruit, module.AtKey(&m.Sold), agg.Sum[int](), n)
		b, pair := flow.Join(flow.SideOf(b, fruit, n), flow.SideOf(prices, priced, price), module.AtKey(&m.Sold), module.OuterJoin)
		text := flow.F1(func(j module.Joined[string, int, int]) string {
			return fmt.Sprint(j.Key, j.Left, j.HasLeft, j.Right, j.HasRight)
		}, pair)
		all, _ := flow.Aggregate(b, agg.Top(10, strings.Compare), text)
		answer(b, all)
	})
}

// twice reads rows that were kept on their tasks, in two blocks.
func (m *market) twice(b *flow.Block, _ flow.Var[struct{}], answer flow.Answer[int]) {
	var kept flow.Materialized[int]
	flow.BatchBlock(b, "first", func(b *flow.Block) {
		_, n := m.sold(b)
		kept = flow.Materialize(b, n)
	})
	flow.BatchBlock(b, "second", func(b *flow.Block) {
		other := b.Anchor().Hook()
		n := flow.Declare[int](b)
		flow.Assign(b, n, flow.ExplodeMaterialized(b, kept))
		flow.Assign(other, n, flow.F1(func(n int) int { return 10 * n }, flow.ExplodeMaterialized(other, kept)))
		b = flow.Unify(b, other)
		sum, _ := flow.Aggregate(b, agg.Sum[int](), n)
		answer(b, sum)
	})
}

// last goes along the chain, each fruit of which is known on another task.
func (m *market) last(b *flow.Block, from flow.Var[string], answer flow.Answer[string]) {
	flow.LoopWith(b, from, func(l flow.Loop[string], b *flow.Block, fruit flow.Var[string]) {
		flow.HopAt(b, &m.Next, fruit)
		next, there := flow.Lookup(b, flow.Key(&m.Next, fruit))
		flow.IfElse(b, there, func(b *flow.Block) { l.Continue(b, next) }, func(b *flow.Block) { answer(b, fruit) })
	})
}

// fields reads keys wherever they are.
func (m *market) fields(b *flow.Block, fruits flow.Var[[]string], answer flow.Answer[[]int]) {
	flow.BatchBlock(b, "fields", func(b *flow.Block) {
		i, fruit := flow.ExplodeIndexed(b, fruits)
		price := flow.Get(b, flow.Key(&m.Prices, fruit))
		all, _ := flow.Aggregate(b, agg.Map[int, int](), flow.F2(func(i, price int) agg.Pair[int, int] { return agg.Pair[int, int]{Key: i, Val: price} }, i, price))
		answer(b, flow.F1(func(by map[int]int) (out []int) {
			for i := range len(by) {
				out = append(out, by[i])
			}
			return out
		}, all))
	})
}

// sell appends some sales, prices and the chain.
func (m *market) sell(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	for _, s := range []sale{
		{Fruit: "fig", Number: 1, Pieces: 3}, {Fruit: "fig", Number: 2, Pieces: 4}, {Fruit: "kiwi", Number: 1, Pieces: 20},
		{Fruit: "plum", Number: 1, Pieces: 1, Price: 5}, {Fruit: "kiwi", Price: 2}, {Fruit: "pear", Price: 9},
		{Fruit: "fig", Next: "kiwi"}, {Fruit: "kiwi", Next: "plum"}, {Fruit: "plum", Next: "pear"},
	} {
		if _, err := m.Sales.Append(t.Context(), c.Client(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// pricedFruits is what is sold of each fruit, and what it costs.
var pricedFruits = []string{"fig7 true 0 false", "kiwi20 true 2 true", "pear0 false 9 true", "plum1 true 5 true"}

// promise 15.01, promise 15.02, promise 11.20, promise 11.21: queries that are flows have the
// batch blocks of microbatches, fan out to tasks and keys, and answer once.
func TestQueriesAsFlows(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	m := &market{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	m.sell(t, c)
	for range 4 { // at each of the workers
		if got, err := m.Groups.Ask(t.Context(), c.Client(), 2); !slices.Equal(got, []string{"020 kiwi", "007 fig"}) || err != nil {
			t.Errorf("groups: %v, %v", got, err)
		}
	}
	if got, err := m.Joined.Ask(t.Context(), c.Client(), ""); !slices.Equal(got, pricedFruits) || err != nil {
		t.Errorf("joined: %q, %v", got, err)
	}
	if n, err := m.Twice.Ask(t.Context(), c.Client(), struct{}{}); n != 11*28 || err != nil {
		t.Errorf("twice: %d, %v", n, err)
	}
	if last, err := m.Last.Ask(t.Context(), c.Client(), "fig"); last != "pear" || err != nil {
		t.Errorf("last: %q, %v", last, err)
	}
	if got, err := m.Fields.Ask(t.Context(), c.Client(), []string{"pear", "nothing", "kiwi"}); !slices.Equal(got, []int{9, 0, 2}) || err != nil {
		t.Errorf("fields: %v, %v", got, err)
	}
	if n, err := m.Within.Ask(t.Context(), c.Client(), 20); n != 1 || err != nil {
		t.Errorf("within: %d, %v", n, err)
	}
	if got, err := m.Nothing.Ask(t.Context(), c.Client(), struct{}{}); got != "7 true" || err != nil {
		t.Errorf("behind a block to which nothing came: %q, %v", got, err)
	}
	if n, err := m.Elsewhat.Ask(t.Context(), c.Client(), 3); n != 3 || err != nil {
		t.Errorf("a task that there is: %d, %v", n, err)
	}
	// promise 11.18: a stream asks, and goes on with the answer.
	if acks, err := m.Asked.Append(t.Context(), c.Client(), 2); err != nil {
		t.Error(err)
	} else if told, _ := m.Told.From(acks); told != 202 {
		t.Errorf("a stream was told %d", told)
	}
	for n, want := range map[int]string{0: "gave 0 answers", 1: "", 3: "gave 3 answers"} {
		switch _, err := m.Answers.Ask(t.Context(), c.Client(), n); {
		case want == "" && err != nil, want != "" && !(errors.Is(err, client.ErrQueryFailed) && strings.Contains(err.Error(), want)):
			t.Errorf("%d answers: %v", n, err)
		}
	}
	if _, err := m.Elsewhat.Ask(t.Context(), c.Client(), -1); !errors.Is(err, client.ErrQueryFailed) || !strings.Contains(err.Error(), "there is no task -1; the module has 0 to 3") {
		t.Errorf("a hop to task -1: %v", err)
	}
	if _, err := m.Elsewhat.Ask(t.Context(), c.Client(), 4); !errors.Is(err, client.ErrQueryFailed) || !strings.Contains(err.Error(), "there is no task 4; the module has 0 to 3") {
		t.Errorf("a task that there is not: %v", err)
	}
}
