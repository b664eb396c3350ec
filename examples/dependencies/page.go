// Package dependencies lists the examples of modules that use other modules' depots, PStates
// and queries.
package dependencies

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/mirrors"
)

// Page is the page.
var Page = program.Page{
	Name:  "dependencies",
	Title: "Module dependencies",
	Programs: []program.Program{
		{
			Name: "mirrors", Shows: "two modules that use each other's depots, PStates and queries", Source: "mirrors",
			Rama: "MirrorDeclarationsModule, UsingMirrorsExample, CircularDependenciesExample", Run: program.Of(mirrors.Demo),
			Output: `
the orders need 3 things of the shop
tea ordered: 17, then there are 10
milk ordered: 6, then there are 5
tea left: 10
milk left: 5
`,
		},
	},
}
