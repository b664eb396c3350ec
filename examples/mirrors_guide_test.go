package examples

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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

// Every block of Go in the guide is in a file of the example or in this one, but for its indentation.
func TestTheModulesGuideShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("mirrors*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range append(files, "mirrors_guide_test.go") {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString(flat(string(raw)))
	}
	guide, err := os.ReadFile(filepath.Join("..", "docs", "guides", "modules.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	for _, part := range blocks {
		block, _, closed := strings.Cut(part, "```")
		if !closed {
			t.Fatal("a block of the guide is not closed")
		}
		if !strings.Contains(code.String(), flat(block)) {
			t.Errorf("no file of this folder has this code of the guide:\n%s", block)
		}
	}
	if len(blocks) < 5 {
		t.Error("the guide was not read: it has " + strconv.Itoa(len(blocks)) + " blocks of Go")
	}
}

// flat takes the indentation out of a text.
func flat(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimSpace(line))
		out.WriteByte('\n')
	}
	return out.String()
}
