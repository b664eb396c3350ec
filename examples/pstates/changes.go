package pstates

import (
	"maps"
	"slices"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/internal/program"
)

// changes tells what is new by holding each value against the one before.
var changes = program.Program{
	Name:  "changes",
	Shows: "what has changed between two values of a watch",
	Rama:  "CallbackReactiveModule",
	Run: func(r *program.Run) {
		m := &Counts{}
		r.Launch(m, 4)
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "b"}))
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "c"}))
		more := []string{"d", "c"}
		before := map[string]int64{}
		for change, err := range client.Watch(r.Context, r.Client, client.WatchOptions{}, m.beside("a")) {
			program.Check(err)
			for _, key := range slices.Sorted(maps.Keys(change.Value)) {
				if n := change.Value[key]; n != before[key] {
					r.Printf("%s from %d to %d\n", key, before[key], n)
				}
			}
			before = change.Value
			if len(more) == 0 {
				return
			}
			// The watch looks again when this is committed.
			program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", more[0]}))
			more = more[1:]
		}
	},
	Output: `
b from 0 to 1
c from 0 to 1
d from 0 to 1
c from 1 to 2
`,
}
