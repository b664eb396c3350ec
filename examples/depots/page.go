// Package depots shows how records come into a module, and which task gets them.
package depots

import "github.com/coppice-run/coppice/examples/internal/program"

// Page is the page.
var Page = program.Page{
	Name:     "depots",
	Title:    "Depots",
	Programs: []program.Program{kinds, custom, global, emit, colocated, ticks, migrated},
}
