package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module/nav"
)

// firstTwo leads to the first two elements of a slice, if there are two.
type firstTwo struct{}

// Select gives both, unless it is told to stop.
func (firstTwo) Select(all []int, next func(int) bool) bool {
	return len(all) < 2 || next(all[0]) && next(all[1])
}

// Transform puts what becomes of both in their place, and drops what is not to be kept.
func (firstTwo) Transform(all []int, next func(int) (int, bool)) []int {
	if len(all) < 2 {
		return all
	}
	var first []int
	for _, n := range all[:2] {
		if n, keep := next(n); keep {
			first = append(first, n)
		}
	}
	return append(first, all[2:]...)
}

// longer leads to a slice if it has more elements than so many: a navigator with an argument
// is a value with a field.
type longer struct{ than int }

// Select gives the slice.
func (l longer) Select(all []int, next func([]int) bool) bool {
	return len(all) <= l.than || next(all)
}

// Transform replaces the slice.
func (l longer) Transform(all []int, next func([]int) ([]int, bool)) []int {
	if len(all) <= l.than {
		return all
	}
	all, _ = next(all)
	return all
}

var custom = program.Program{
	Name:  "custom",
	Shows: "navigators of one's own",
	Rama:  "MyListNav, CustomKey",
	Run: func(r *program.Run) {
		m, reader := launchData(r)
		vals := nav.MapVals(nav.Key(nav.From(m.Data), "a0"))
		print(r, reader, "the first two of each:", nav.Custom(vals, firstTwo{}))
		print(r, reader, "those of more than two:", nav.Custom(nav.Custom(vals, longer{2}), firstTwo{}))
	},
	Output: `
the first two of each: [9 3 0 8]
those of more than two: [9 3]
`,
}
