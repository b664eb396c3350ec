package pstates

import (
	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/internal/program"
)

// text reads without the module's code, along the schema that the module has registered: as
// the command line and the HTTP API do.
var text = program.Program{
	Name:  "text",
	Shows: "a path as text, without the module's code; what came and what went",
	Run: func(r *program.Run) {
		m := &Counts{}
		r.Launch(m, 4)
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "b"}))
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "c"}))
		counts := client.Selection{Module: "Counts", PState: "counts", Path: `key("a").entries`}
		looks := 0
		for change, err := range r.Client.WatchSelection(r.Context, counts, client.WatchOptions{}) {
			program.Check(err)
			for _, v := range change.Removed {
				r.Printf("- %s\n", v)
			}
			for _, v := range change.Added {
				r.Printf("+ %s\n", v)
			}
			if looks++; looks == 2 {
				return
			}
			program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "c"}))
		}
	},
	Output: `
+ {"key":"b","value":1}
+ {"key":"c","value":1}
- {"key":"c","value":1}
+ {"key":"c","value":2}
`,
}
