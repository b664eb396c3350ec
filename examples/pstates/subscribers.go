package pstates

import (
	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/pstate"
)

var subscribers = program.Program{
	Name:  "subscribers",
	Shows: "three watches of a whole map and of two of its keys",
	Rama:  "MultiSubscriberModule",
	Run: func(r *program.Run) {
		m := &Counts{}
		r.Launch(m, 1)
		for _, key := range []string{"a", "b", "c"} {
			program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"all", key}))
		}
		options := client.WatchOptions{}
		of := func(key string) func(pstate.Reader) (int64, error) { return m.Counts.Key("all").Key(key).Get }
		top, stopTop := program.Pull(client.Watch(r.Context, r.Client, options, m.beside("all")))
		defer stopTop()
		a, stopA := program.Pull(client.Watch(r.Context, r.Client, options, of("a")))
		defer stopA()
		b, stopB := program.Pull(client.Watch(r.Context, r.Client, options, of("b")))
		defer stopB()
		first := func(n int64) bool { return n == 1 }
		r.Println("top:", top(func(m map[string]int64) bool { return len(m) == 3 }), "a:", a(first), "b:", b(first))
		for _, key := range []string{"a", "a", "c", "b"} {
			program.Got(m.Pairs.Append(r.Context, r.Client, Pair{"all", key}))
		}
		r.Println("top:", top(func(m map[string]int64) bool { return m["b"] == 2 }),
			"a:", a(func(n int64) bool { return n == 3 }), "b:", b(func(n int64) bool { return n == 2 }))
	},
	Output: `
top: map[a:1 b:1 c:1] a: 1 b: 1
top: map[a:3 b:2 c:2] a: 3 b: 2
`,
}
