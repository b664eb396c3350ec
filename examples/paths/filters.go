package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

var filters = program.Program{
	Name:  "filters",
	Shows: "only what is less, what a function takes, or what leads on to something",
	Rama:  "PathExamples",
	Run: func(r *program.Run) {
		m, reader := launchData(r)
		numbers := nav.Items(nav.MapVals(nav.Key(nav.From(m.Data), "a0")))
		print(r, reader, "less than 7:", nav.FilterLess(numbers, 7))
		print(r, reader, "odd:", nav.Filter(numbers, odd))
		// The maps that have an 8 in them; and of those what is under a1.
		maps := nav.MapVals(nav.From(m.Data))
		eight := nav.FilterEqual(nav.Items(nav.MapVals(nav.Inside[pstate.SortedMap[string, []int]]())), 8)
		print(r, reader, "beside an 8:", nav.Items(nav.Key(nav.FilterSelected(maps, eight), "a1")))
		print(r, reader, "where there is none:", nav.MapKeys(nav.FilterNotSelected(maps, eight)))
	},
	Output: `
less than 7: [3 6 0]
odd: [9 3]
beside an 8: [9 3 6]
where there is none: [c1]
`,
}

func odd(n int) bool { return n%2 == 1 }
