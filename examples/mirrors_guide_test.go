package main

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/guide"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// The code of docs/guides/modules.md that is not of the example.

type Prices struct {
	Changed module.Depot[Price]
	Prices  pstate.Map[string, Price]
}

// OldPrice was stored before, in whole euros.
type OldPrice = int

type Price struct {
	Product string
	Cents   int
}

func (m *Prices) Define(b *module.Builder) {
	module.HashDepot(b, &m.Changed, "changed", func(p Price) string { return p.Product })
	s := b.Stream("prices")
	s.PState(&m.Prices, "prices", pstate.Migrate("cents", func(euros OldPrice) Price {
		return Price{Cents: 100 * euros}
	}))
	module.DeclareSource(s, m.Changed, func(ev *module.Event, p Price) error {
		m.Prices.Key(p.Product).Set(ev, p)
		return nil
	})
}

func TestTheMigrationOfTheGuideIsDeclared(t *testing.T) {
	t.Parallel()
	plan, err := module.Compile(&Prices{})
	if err != nil || !strings.Contains(plan.String(), "migrated by cents") {
		t.Errorf("%v, %v", plan, err)
	}
}

// Every block of Go in the guide is in a file of the example or in this one.
func TestTheModulesGuideShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	guide.Shows(t, "docs/guides/modules.md", "mirrors/*.go", "mirrors_guide_test.go")
}
