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
		{Rama: "MapKeyModule", Text: "no navigator to a key that a transform could rename: paths/terms reads the value, deletes the one key and writes the other"},
		{Rama: "ListVirtualValuesModule", Text: "a list grows at its ends (Push, PushFront) and not in its middle; a value that is a slice can be any (paths/grown)"},
		{Rama: "SetVirtualValuesModule", Text: "no navigator to an element that is not there yet: Add of the set's handle (paths/grown)"},
		{Rama: "PathExamples: putCollected, transformed", Text: "no navigators of that name: View computes whatever a function makes of a value (paths/views)"},
		{Rama: "PathExamples: Block.select on any object", Text: "paths begin at PStates, not at values in a program's memory"},
	},
}

// print prints what a path leads to.
func print[E, M any](r *program.Run, reader pstate.Reader, what string, p nav.Path[nav.Root, E, M]) {
	r.Println(what, program.Got(nav.SelectAll(reader, p)))
}
