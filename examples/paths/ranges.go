package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Ranges adds up what a shop sells of each product in each minute.
type Ranges struct {
	Sales  module.Depot[Sale]
	Totals pstate.MapOf[string, pstate.MapOf[string, pstate.SortedMap[int, int64]]] // by shop, product, minute
}

// Sale is a record.
type Sale struct {
	Shop, Product string
	Minute        int
	Amount        int64
}

// Define declares it.
func (m *Ranges) Define(b *module.Builder) {
	module.HashDepot(b, &m.Sales, "sales", func(s Sale) string { return s.Shop })
	s := b.Stream("products")
	s.PState(&m.Totals, "totals")
	module.DeclareSource(s, m.Sales, func(ev *module.Event, sale Sale) error {
		agg.Add(ev, m.Totals.Key(sale.Shop).Key(sale.Product).Key(sale.Minute), sale.Amount)
		return nil
	})
}

var ranges = program.Program{
	Name:  "ranges",
	Shows: "parts of sorted maps: from, to, the first, the last",
	Rama:  "SortedMapRangeModule",
	Run: func(r *program.Run) {
		m := &Ranges{}
		r.Launch(m, 4)
		for _, s := range []Sale{
			{"video", "witness", 10, 3}, {"video", "witness", 10, 11}, {"video", "witness", 11, 12},
			{"video", "witness", 15, 4}, {"video", "witness", 16, 17}, {"video", "eve", 10, 1},
			{"video", "strangers", 11, 9}, {"video", "best-years", 10, 3}, {"video", "wind", 10, 4}, {"video", "glory", 12, 5},
		} {
			program.Got(m.Sales.Append(r.Context, r.Client, s))
		}
		shop := nav.Key(nav.From(m.Totals), "video")
		witness := nav.Key(shop, "witness")
		large := func(e pstate.Entry[int, int64]) bool { return e.Val > 10 }
		print(r, r.Reader, "Query 1:", nav.Filter(nav.MapEntries(nav.MapRange(witness, 10, 20)), large))
		print(r, r.Reader, "Query 2:", nav.MapKeys(nav.MapRangeFrom(shop, "", 5)))
		print(r, r.Reader, "up to 15:", nav.MapKeys(nav.MapRangeTo(witness, 15, 0)))
		print(r, r.Reader, "the last two:", nav.MapKeys(nav.MapRangeToEnd(witness, 2)))
		print(r, r.Reader, "backwards, with 15:", nav.MapKeys(nav.MapSpan(witness, pstate.Through(15).Reverse())))
	},
	Output: `
Query 1: [{10 14} {11 12} {16 17}]
Query 2: [best-years eve glory strangers wind]
up to 15: [10 11]
the last two: [15 16]
backwards, with 15: [15 11 10]
`,
}
