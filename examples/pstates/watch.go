package pstates

import (
	"maps"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/internal/program"
)

var watch = program.Program{
	Name:  "watch",
	Shows: "a value that is kept up to date",
	Rama:  "BasicReactiveModule",
	Run: func(r *program.Run) {
		m := &Counts{}
		r.Launch(m, 4)
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "b"}))
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "c"}))
		next, stop := program.Pull(client.Watch(r.Context, r.Client, client.WatchOptions{}, m.beside("a")))
		defer stop()
		r.Println("Initial value:", next(func(map[string]int64) bool { return true }))
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "d"}))
		r.Println("New value:", next(func(m map[string]int64) bool { return m["d"] == 1 }))
		program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"a", "c"}))
		r.Println("New value:", next(func(have map[string]int64) bool { return maps.Equal(have, map[string]int64{"b": 1, "c": 2, "d": 1}) }))
	},
	Output: `
Initial value: map[b:1 c:1]
New value: map[b:1 c:1 d:1]
New value: map[b:1 c:2 d:1]
`,
}
