package paths

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module/nav"
)

var views = program.Program{
	Name:  "views",
	Shows: "what a function makes of a value, defaults, conditions, several ways",
	Rama:  "PathExamples",
	Run: func(r *program.Run) {
		m, reader := launchData(r)
		a0 := nav.Key(nav.From(m.Data), "a0")
		a1 := nav.Key(a0, "a1")
		print(r, reader, "one more:", nav.View(nav.Item(a1, 0), func(n int) int { return n + 1 }))
		print(r, reader, "in words:", nav.View(a1, func(all []int) string { return fmt.Sprintf("%d/***/%d", len(all), all[0]) }))
		print(r, reader, "changed on the way:", nav.View(a1, func(all []int) []int { return slices.Concat(all[:1], []int{0}, all[2:]) }))
		print(r, reader, "or else:", nav.NullToVal(nav.Key(a0, "z"), []int{1}))
		print(r, reader, "stop:", nav.Stop(a1))
		second, last := nav.Item(nav.Here[[]int](), 1), nav.Item(nav.Here[[]int](), -1)
		print(r, reader, "if it begins with 9:", nav.If(a1, nav.FilterEqual(nav.Item(nav.Here[[]int](), 0), 9), second, last))
		print(r, reader, "if it begins with 1:", nav.If(a1, nav.FilterEqual(nav.Item(nav.Here[[]int](), 0), 1), second, last))
		print(r, reader, "both:", nav.Multi(a1, last, second))
	},
	Output: `
one more: [10]
in words: [3/***/9]
changed on the way: [[9 0 6]]
or else: [[1]]
stop: []
if it begins with 9: [3]
if it begins with 1: [6]
both: [6 3]
`,
}
