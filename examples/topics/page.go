// Package topics lists the examples of Kafka topics that others write and read.
package topics

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/payments"
)

// Page is the page.
var Page = program.Page{
	Name:  "topics",
	Title: "Existing topics",
	Programs: []program.Program{
		{
			Name: "payments", Shows: "a topic of others in Avro, with what does not decode, and a compacted one that others read", Source: "payments",
			Run: program.Of(payments.Demo),
			Output: `
ada has 300 cents
bob has 0 cents
cyd has 0 cents
parked, with the key eve: "a payment?"
ada: 300 cents
bob: deleted
`,
		},
	},
}
