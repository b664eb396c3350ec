// Package dependencies is where examples of modules that use other modules' depots, PStates
// and queries belong.
package dependencies

import "github.com/coppice-run/coppice/examples/internal/program"

const mirrors = "a module cannot declare another module's depots, PStates and queries as its own sources yet; "

// Page is the page.
var Page = program.Page{
	Name:  "dependencies",
	Title: "Module dependencies",
	Missing: []program.Missing{
		{Rama: "MirrorDeclarationsModule", Text: mirrors + "a program uses those of several modules with their handles and one client"},
		{Rama: "UsingMirrorsExample", Text: mirrors + "a module can append to a topic that another one reads (module.Topic)"},
		{Rama: "CircularDependenciesExample", Text: mirrors + "so there are no dependencies that could be circular"},
	},
}
