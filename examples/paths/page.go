// Package paths shows how one gets to many elements of a PState at once, to read and to change
// them. Rama's paths lead through any object; these are typed, and those through a PState's
// structures read no more than what they lead through.
package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Page is the page.
var Page = program.Page{
	Name:     "paths",
	Title:    "Paths",
	Programs: []program.Program{selects, filters, views, collects, ranges, terms, rearranged, grown, custom},
	Missing: []program.Missing{
		{Rama: "PathExamples: putCollected, transformed", Text: "no navigators of that name: View computes whatever a function makes of a value (paths/views)"},
		{Rama: "PathExamples: Block.select on any object", Text: "paths begin at PStates, not at values in a program's memory"},
	},
}

// print prints what a path leads to.
func print[E, M any](r *program.Run, reader pstate.Reader, what string, p nav.Path[nav.Root, E, M]) {
	r.Println(what, program.Got(nav.SelectAll(reader, p)))
}
