package localcluster_test

import (
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
)

// lender has a query, and borrower one that asks it.
type lender struct {
	Texts module.Depot[string]
	Size  module.Query[string, int]
}

func (m *lender) ModuleName() string { return "Lender" }

func (m *lender) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Texts, "texts", module.Text())
	module.DeclareSource(b.Stream("s"), m.Texts, func(*module.Event, string) error { return nil })
	module.DeclareQuery(b, &m.Size, "size", func(_ *module.Asked, text string) (int, error) { return len(text), nil })
}

type borrower struct {
	Texts     module.Depot[string]
	far, Size module.Query[string, int]
}

func (m *borrower) ModuleName() string { return "Borrower" }

func (m *borrower) Define(b *module.Builder) {
	module.MirrorQuery(b, &m.far, "Lender", "size")
	module.RandomDepot(b, &m.Texts, "texts", module.Text())
	module.DeclareSource(b.Stream("s"), m.Texts, func(*module.Event, string) error { return nil })
	module.DeclareQuery(b, &m.Size, "size", func(q *module.Asked, text string) (int, error) { return m.far.Within(q, text) })
}

// A query of another module finds the worker that its tasks have gone to, also where there is
// but one task.
func TestMirroredQueriesFollowTheTasks(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	of, by := &lender{}, &borrower{}
	for _, m := range []module.Module{of, by} {
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() {
		t.Helper()
		if n, err := by.Size.Ask(t.Context(), c.Client(), "four"); err != nil || n != 4 {
			t.Errorf("the answer is %d, %v", n, err)
		}
	}
	ask()
	first := c.Workers()[0]
	if _, err := c.AddWorker(t.Context(), of); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask()
}
