// Package queries shows questions that a module answers: functions of one argument that run on
// a worker and read what is committed.
package queries

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/reach"
)

// Page is the page.
var Page = program.Page{
	Name:  "queries",
	Title: "Query topologies",
	Programs: []program.Program{
		simple, within, fibonacci,
		{
			Name: "reach", Shows: "many keys are asked at once, and the answers gathered", Source: "reach",
			Rama: "ReachModule", Run: program.Of(reach.Demo),
			Output: `
grapefruit.example reach: 6
plum.example reach: 1
nowhere.example reach: 0
pages: 2
`,
		},
		variables,
	},
	Missing: []program.Missing{
		{Rama: "TemporaryQueryStateModule", Text: "a query has no PState of its own: what it computes on the way is in Go's variables, which are not spread over tasks (queries/variables)"},
	},
}
