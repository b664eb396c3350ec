package pstates

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Declarations has a value, a map, and fixed keys in a map. The handles' types are the schema.
type Declarations struct {
	Words module.Depot[string]

	P1 pstate.Value[int64]
	P2 pstate.Map[string, int32]
	P3 pstate.MapOf[string, Thing]
}

// Thing is fixed keys, each stored and read by itself.
type Thing struct {
	pstate.Fixed[Thing]
	Count    pstate.Value[int32]
	SomeList pstate.List[string]
	SomeSet  pstate.SortedSet[int32]
}

// Define declares it.
func (m *Declarations) Define(b *module.Builder) {
	module.HashDepot(b, &m.Words, "words", func(w string) string { return w })
	s := b.Stream("s")
	s.PState(&m.P1, "p1")
	s.PState(&m.P2, "p2")
	s.PState(&m.P3, "p3")
	module.DeclareSource(s, m.Words, func(ev *module.Event, word string) error {
		m.P1.Update(ev, func(n int64) int64 { return n + 1 }) // of this task
		m.P2.Key(word).Set(ev, int32(len(word)))
		thing := m.P3.Key(word)
		thing.Count.Update(ev, func(n int32) int32 { return n + 1 })
		thing.SomeList.Push(ev, word[:1])
		thing.SomeSet.Add(ev, int32(len(word)))
		return nil
	})
}

var declarations = program.Program{
	Name:  "declarations",
	Shows: "a value, a map, and fixed keys with a list and a set",
	Rama:  "BasicPStateDeclarationsModule",
	Run: func(r *program.Run) {
		m := &Declarations{}
		for _, p := range program.Got(module.Compile(m)).PStates {
			r.Println(p.Name, "is", p)
		}
		r.Launch(m, 1)
		for range 2 {
			program.Got(m.Words.Append(r.Context, r.Client, "tea"))
		}
		thing := m.P3.Key("tea")
		r.Println(program.Got(m.P1.Get(r.AtTask(0))), program.Got(m.P2.Key("tea").Get(r.Reader)),
			program.Got(thing.Count.Get(r.Reader)), program.Got(thing.SomeList.Len(r.Reader)), program.Got(thing.SomeSet.Len(r.Reader)))
	},
	Output: `
p1 is int64
p2 is map[string]int32
p3 is map[string] of {Count int32, SomeList list[string], SomeSet sorted set[int32]}
2 3 2 2 1
`,
}
