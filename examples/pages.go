package main

import (
	"github.com/coppice-run/coppice/examples/aggregators"
	"github.com/coppice-run/coppice/examples/dependencies"
	"github.com/coppice-run/coppice/examples/depots"
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/partitioners"
	"github.com/coppice-run/coppice/examples/paths"
	"github.com/coppice-run/coppice/examples/pstates"
	"github.com/coppice-run/coppice/examples/queries"
	"github.com/coppice-run/coppice/examples/streams"
	"github.com/coppice-run/coppice/examples/topics"
	"github.com/coppice-run/coppice/examples/transactions"
)

// pages are in the order in which Rama's documentation has them.
var pages = []program.Page{
	streams.Page, depots.Page, pstates.Page, partitioners.Page,
	paths.Page, aggregators.Page, queries.Page, dependencies.Page, topics.Page, transactions.Page,
}

// entry is a program with the name that it has on the command line.
type entry struct {
	name string
	program.Program
}

func programs() (all []entry) {
	for _, page := range pages {
		for _, p := range page.Programs {
			all = append(all, entry{page.Name + "/" + p.Name, p})
		}
	}
	return all
}
