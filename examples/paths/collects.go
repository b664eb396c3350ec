package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module/nav"
)

var collects = program.Program{
	Name:  "collects",
	Shows: "elements with what was collected on the way, and many as one",
	Rama:  "PathExamples",
	Run: func(r *program.Run) {
		m, reader := launchData(r)
		vals := nav.MapVals(nav.Key(nav.From(m.Data), "a0"))
		largest := nav.View(nav.Here[[]int](), func(all []int) int {
			n := 0
			for _, v := range all {
				n = max(n, v)
			}
			return n
		})
		print(r, reader, "each with the largest beside it:", nav.Collect(vals, largest))
		print(r, reader, "the odd ones of each as one:", nav.Subselect(vals, nav.Filter(nav.Items(nav.Here[[]int]()), odd)))
	},
	Output: `
each with the largest beside it: [{[9] [9 3 6]} {[8] [0 8]}]
the odd ones of each as one: [[9 3] []]
`,
}
