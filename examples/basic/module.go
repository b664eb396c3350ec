// Package basic counts keys and pairs of keys from one depot, and prints what
// comes from another: the smallest module with everything in it.
package basic

import (
	"cmp"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Pair is a record of the first depot.
type Pair struct{ First, Second string }

// Module is the example.
type Module struct {
	Name string    // of the module; default Basic
	Out  io.Writer // where records of the second depot are printed; default nowhere

	Pairs  module.Depot[Pair]
	Words  module.Depot[string]
	Counts pstate.Map[string, int64]                             // how often a key came
	Beside pstate.MapOf[string, pstate.SortedMap[string, int64]] // and with which others

	second module.Step[Pair]
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "Basic") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Pairs, "pairs", func(p Pair) string { return p.First })
	module.RandomDepot(b, &m.Words, "words")
	s := b.Stream("s")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Beside, "beside")
	module.DeclareStep(s, &m.second, "second", module.At(&m.Counts, func(p Pair) string { return p.Second }), m.onSecond)
	module.DeclareSource(s, m.Pairs, m.onPair)
	module.DeclareSource(s, m.Words, m.onWord)
}

// onPair runs on the task of the first key.
func (m *Module) onPair(ev *module.Event, p Pair) error {
	m.count(ev, p.First, p.Second)
	if p.First != p.Second {
		m.second.Send(ev, p)
	}
	return nil
}

// onSecond runs on the task of the second key.
func (m *Module) onSecond(ev *module.Event, p Pair) error {
	m.count(ev, p.Second, p.First)
	return nil
}

func (m *Module) count(ev *module.Event, key, other string) {
	agg.Inc(ev, m.Counts.Key(key))
	agg.Inc(ev, m.Beside.Key(key).Key(other))
}

// onWord prints, as examples do. What a handler does besides its event may happen
// more than once: handlers run ahead, and again when a record is retried.
func (m *Module) onWord(ev *module.Event, word string) error {
	if m.Out != nil {
		fmt.Fprintf(m.Out, "From words: %d %s\n", ev.Task(), word)
	}
	return nil
}
