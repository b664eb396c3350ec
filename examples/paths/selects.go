package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module/nav"
)

var selects = program.Program{
	Name:  "selects",
	Shows: "one element, many elements, entries, and what is not there",
	Rama:  "PathExamples",
	Run: func(r *program.Run) {
		m, reader := launchData(r)
		a0 := nav.Key(nav.From(m.Data), "a0")
		a1 := nav.Key(a0, "a1")
		print(r, reader, "nth 1:", nav.Item(a1, 1))
		print(r, reader, "all values:", nav.Items(nav.MapVals(a0)))
		print(r, reader, "first:", nav.Item(a1, 0))
		print(r, reader, "last:", nav.Item(a1, -1))
		print(r, reader, "first of what is not there:", nav.Item(nav.Key(a0, "z"), 0))
		print(r, reader, "must be there:", nav.Must(a0, "z"))
		print(r, reader, "entries:", nav.MapEntries(a0))
		print(r, reader, "keys:", nav.MapKeys(a0))
		print(r, reader, "outer keys:", nav.MapKeys(nav.From(m.Data)))
	},
	Output: `
nth 1: [3]
all values: [9 3 6 0 8]
first: [9]
last: [6]
first of what is not there: []
must be there: []
entries: [{a1 [9 3 6]} {b1 [0 8]}]
keys: [a1 b1]
outer keys: [a0 b0]
`,
}
