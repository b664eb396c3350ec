package aggregators

import (
	"fmt"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Own has aggregators of its own: a count and a text as accumulators, a sum as a combiner.
// Package agg/aggtest holds them against their laws in a test.
type Own struct {
	Items module.Depot[Item]
	Count pstate.Map[string, int]
	Text  pstate.Map[string, string]
	Sum   pstate.Map[string, int]
}

// Item is a record.
type Item struct {
	Key string
	N   int
	S   string
}

var (
	ownCount = agg.Accumulator[Item, int]{
		Zero: func() int { return 0 },
		Add:  func(n int, _ Item) int { return n + 1 },
	}
	ownSum = agg.Combiner[int]{
		Zero:    func() int { return 0 },
		Combine: func(a, b int) int { return a + b },
	}
)

// divided makes one text of numbers and strings.
func divided(by string) agg.Accumulator[Item, string] {
	return agg.Accumulator[Item, string]{
		Zero: func() string { return "" },
		Add:  func(have string, v Item) string { return fmt.Sprint(have, by, v.N, by, v.S) },
	}
}

// Define declares it.
func (m *Own) Define(b *module.Builder) {
	module.HashDepot(b, &m.Items, "items", func(v Item) string { return v.Key })
	s := b.Stream("s")
	s.PState(&m.Count, "count")
	s.PState(&m.Text, "text")
	s.PState(&m.Sum, "sum")
	text := divided("|")
	module.DeclareSource(s, m.Items, func(ev *module.Event, v Item) error {
		agg.Into(ev, m.Count.Key(v.Key), ownCount, v)
		agg.Into(ev, m.Text.Key(v.Key), text, v)
		agg.Into(ev, m.Sum.Key(v.Key), ownSum, v.N)
		return nil
	})
}

var own = program.Program{
	Name:  "own",
	Shows: "accumulators and a combiner of one's own",
	Rama:  "AccumCount, AccumCustom, CombinerSum",
	Run: func(r *program.Run) {
		m := &Own{}
		r.Launch(m, 4)
		for _, v := range []Item{{"a", 1, "x"}, {"b", 5, "y"}, {"a", 3, "z"}} {
			program.Got(m.Items.Append(r.Context, r.Client, v))
		}
		for _, key := range []string{"a", "b"} {
			r.Println(key, program.Got(m.Count.Key(key).Get(r.Reader)), program.Got(m.Text.Key(key).Get(r.Reader)), program.Got(m.Sum.Key(key).Get(r.Reader)))
		}
	},
	Output: `
a 2 |1|x|3|z 4
b 1 |5|y 5
`,
}
