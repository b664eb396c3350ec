// Package transactions lists the examples of updates that span tasks.
package transactions

import (
	bank "github.com/coppice-run/coppice/examples/bank/demo"
	components "github.com/coppice-run/coppice/examples/components/demo"
	componentsexact "github.com/coppice-run/coppice/examples/componentsexact/demo"
	"github.com/coppice-run/coppice/examples/internal/program"
)

// Page is the page.
var Page = program.Page{
	Name:  "transactions",
	Title: "Updates that span tasks",
	Programs: []program.Program{
		{
			Name: "bank", Shows: "money moves between accounts exactly once", Source: "bank", Run: program.Of(bank.Play),
			Output: `
ann pays in 100.00: 100.00 left
ann sends 30.00 to bob: 70.00 left
ann sends 30.00 to bob, the same again: 70.00 left
bob sends 50.00 to ann: refused, insufficient funds
bob takes out 5.00: 25.00 left
ann has 70.00
bob has 25.00
ann's history: d1 100.00 cash
ann's history: t1 -30.00 bob
`,
		},
		{
			Name: "components", Shows: "parents and children, by a stream that may run again", Source: "components", Run: program.Of(components.Play),
			Output: `
create the house: done
create the kitchen in the house: done
create the stove in the kitchen: done
delete the kitchen: done
create a table in the kitchen: rejected
`,
		},
		{
			Name: "componentsexact", Shows: "the same by an exactly-once stream", Source: "componentsexact", Run: program.Of(componentsexact.Play),
			Output: `
create the house: done
create the kitchen in the house: done
create the stove in the kitchen: done
create another stove in the kitchen: stove: the component exists already
delete the kitchen: done
create a table in the kitchen: kitchen: the parent does not exist
create the kitchen in the house: done
the house has the kitchen, new
`,
		},
	},
}
