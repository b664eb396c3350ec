// Package pstates shows how state is declared, read, and watched.
package pstates

import "github.com/coppice-run/coppice/examples/internal/program"

// Page is the page.
var Page = program.Page{
	Name:     "pstates",
	Title:    "PStates",
	Programs: []program.Program{declarations, selects, partitioner, watch, changes, subscribers, text, migrated},
	Missing: []program.Missing{
		{Rama: "CallbackReactiveModule", Text: "no callbacks and no diffs of an old and a new value: a watch is a sequence of values (pstates/changes); what has come and gone is told of paths as text (pstates/text)"},
		{Rama: "DiffProcessing", Text: "there are no diffs, and so nothing to process them"},
	},
}
