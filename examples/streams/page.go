// Package streams lists the examples of stream topologies. Each is a package of its own, for
// those of the documentation are written twice: module.go with handlers, flow.go as dataflow,
// with the same events.
package streams

import (
	"github.com/coppice-run/coppice/examples/ackreturn"
	"github.com/coppice-run/coppice/examples/basic"
	"github.com/coppice-run/coppice/examples/eventtree"
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/regions"
	"github.com/coppice-run/coppice/examples/sum"
	"github.com/coppice-run/coppice/examples/wordcount"
)

// Page is the page.
var Page = program.Page{
	Name:  "streams",
	Title: "Stream topologies",
	Programs: []program.Program{
		{
			Name: "wordcount", Shows: "the module of the README", Source: "wordcount",
			Rama: "WordCountModule", Run: program.Of(wordcount.Demo),
			Output: `
words: 6
be: 2
not: 1
or: 1
to: 2
`,
		},
		{
			Name: "basic", Shows: "keys and pairs of keys are counted, with a hop in a condition", Source: "basic",
			Rama: "BasicStreamTopologyModule", Run: program.Of(basic.Demo),
			Output: `
a count: 2
b count: 2
c count: 1
b subcounts: [["a" 1] ["c" 1]]
`,
		},
		{
			Name: "eventtree", Shows: "the tree of events that one record sets off", Source: "eventtree",
			Run: program.Of(eventtree.Demo),
			Output: `
keys
  mark
  scatter
    leaf
    leaf
5 events
`,
		},
		{
			Name: "ackreturn", Shows: "an append returns what its record has computed", Source: "ackreturn",
			Rama: "BasicAckReturnModule", Run: program.Of(ackreturn.Demo),
			Output: `
{"s" 1}
{"s" 2}
{"s" 3}
`,
		},
		{
			Name: "sum", Shows: "what many events on random tasks return is added up", Source: "sum",
			Rama: "SumAckReturnModule", Run: program.Of(sum.Demo),
			Output: `
9
25
100
`,
		},
		regions.Program,
	},
}
