package localcluster_test

import (
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/pstate"
)

// sides joins what two sources bring in one microbatch.
type sides struct {
	Names   module.Depot[called]
	Amounts module.Depot[amount]
	Totals  pstate.Map[string, int] // by name
	Blocks  pstate.Value[int]       // how often both blocks were over
}

type called struct{ ID, Name string }

type amount struct {
	ID     string
	Amount int
}

func (m *sides) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Names, "names")
	module.RandomDepot(b, &m.Amounts, "amounts")
	mb := b.Microbatch("sides")
	mb.PState(&m.Totals, "totals")
	mb.PState(&m.Blocks, "blocks", pstate.Global())
	var names flow.Materialized[called]
	flow.Source(mb, m.Names, func(b *flow.Block, n flow.Var[called]) {
		flow.BatchBlock(b, "names", func(b *flow.Block) { names = flow.Materialize(b, n) })
	}, module.StartFromBeginning())
	flow.Source(mb, m.Amounts, func(b *flow.Block, a flow.Var[amount]) {
		flow.BatchBlock(b, "amounts", func(b *flow.Block) {
			other := b.Anchor().Hook()
			id, n := flow.Expand2(b, func(a amount) (string, int) { return a.ID, a.Amount }, a)
			id, n = flow.GroupBy(b, id, module.ByKey[string](), agg.Sum[int](), n, flow.Grouped(module.OnePhase()))
			of, name := flow.Expand2(other, func(c called) (string, string) { return c.ID, c.Name }, flow.ExplodeMaterialized(other, names))
			b, pair := flow.Join(flow.SideOf(b, id, n), flow.SideOf(other, of, name), module.ByKey[string](), module.InnerJoin)
			total, who := flow.Expand2(b, func(j module.Joined[string, int, string]) (int, string) { return j.Left, j.Right }, pair)
			flow.HopAt(b, &m.Totals, who)
			flow.Agg(b, flow.Key(&m.Totals, who), flow.Sum(total))
		})
		flow.Agg(b, flow.OfValue(&m.Blocks), flow.Count[int]())
	}, module.StartFromBeginning())
}

// promise 11.20, promise 11.21: rows of one source are joined with those of another one of the
// topology; what is behind a block runs once in each microbatch.
func TestRowsOfTwoSources(t *testing.T) {
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
	m := &sides{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	client := c.Client()
	if err := client.PauseMicrobatches(t.Context(), "sides", "sides"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []called{{"1", "ann"}, {"2", "bob"}, {"3", "cid"}} {
		if _, err := m.Names.Append(t.Context(), client, n); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []amount{{"1", 5}, {"2", 7}, {"1", 6}, {"4", 100}} {
		if _, err := m.Amounts.Append(t.Context(), client, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.WaitReady(t.Context(), "sides", "sides", 7); err != nil {
		t.Fatal(err)
	}
	if err := client.ResumeMicrobatches(t.Context(), "sides", "sides"); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, "sides", 7); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"ann": 11, "bob": 7, "cid": 0} {
		if n, err := m.Totals.Key(name).Get(client.At(t.Context())); n != want || err != nil {
			t.Errorf("%s has %d, want %d, error %v", name, n, want, err)
		}
	}
	if n, err := m.Blocks.Get(client.At(t.Context())); n != 1 || err != nil {
		t.Errorf("both blocks were over %d times in one microbatch, error %v", n, err)
	}
}
