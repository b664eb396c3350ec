// Package aggregators shows how many values become one: in PStates, in what an append returns,
// in the batch blocks of microbatches, and in queries.
package aggregators

import (
	"github.com/coppice-run/coppice/examples/aggregate"
	"github.com/coppice-run/coppice/examples/batch"
	"github.com/coppice-run/coppice/examples/internal/program"
)

// Page is the page.
var Page = program.Page{
	Name:  "aggregators",
	Title: "Aggregators",
	Programs: []program.Program{
		{
			Name: "names", Shows: "a count, a map, nested maps, a ranking, and the mean that an append returns", Source: "aggregate",
			Rama: "AggregateModule", Run: program.Of(aggregate.Demo),
			Output: `
james cagney: 12 letters
spencer tracy: 13 letters
james cagney: 12 letters
bette davis: 11 letters
Count: 4
Each: [["bette davis" 1] ["james cagney" 2] ["spencer tracy" 1]]
With j, of 12 letters: [["james cagney" 2]]
First: james cagney, 2
`,
		},
		own, captured, inQuery,
		{
			Name: "pairs", Shows: "a global sum and nested counts, in two phases", Source: "batch/pairs.go",
			Rama: "GlobalSumModule, ExampleMicrobatchTopologyModule", Run: program.Of(batch.PairsDemo),
			Output: `
Global sum: 11
a: [["b" 2] ["c" 1]]
x: [["y" 3] ["z" 1]]
`,
		},
		{
			Name: "shop", Shows: "groups, joins, and blocks one after another", Source: "batch/shop.go",
			Rama: "GroupByModule", Run: program.Of(batch.ShopDemo),
			Output: `
Groups: [["apple" 2 7] ["banana" 1 9]]
Joined: [["inner apple" 14] ["outer apple" 7 at 2] ["outer banana" 9 at none] ["outer cherry" none at 5]]
Sum: 16
Limit: 2
Most: [9 4]
Totals: [7 9]
Sales: [2 1]
`,
		},
		{
			Name: "numbers", Shows: "limits, rows that are read twice, and state for one microbatch", Source: "batch/numbers.go",
			Rama: "LimitModule, LimitWithOptionsModule, MaterializeModule, TmpPStateModule", Run: program.Of(batch.NumbersDemo),
			Output: `
Limit: [17 20]
LimitWithOptions: [1016 1017]
Vals: [6 9]
Temporary: [["a" 2] ["b" 2] ["c" 2] ["d" 1]]
`,
		},
		{
			Name: "topwords", Shows: "the words that came most often, of all time and of a microbatch", Source: "batch/words.go",
			Rama: "TopNWordsModule", Run: program.Of(batch.WordsDemo),
			Output: `
Top: [{a 3} {b 2} {c 1}] of now: [{a 3} {b 2} {c 1}]
Top: [{d 5} {a 3} {b 3}] of now: [{d 4} {b 1} {e 1}]
`,
		},
	},
}
