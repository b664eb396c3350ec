// Package eventtree shows the tree of events that one record makes, and how its
// end is noticed: each event has a number, the root keeps the XOR of the numbers
// of all events that were sent off and not yet finished, and a number that is
// XORed twice is gone. Zero means that nothing is under way, however big the tree
// and however random its order: a few bytes per record.
package eventtree

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Module is the example.
type Module struct {
	Name string // of the module; default EventTree

	Keys   module.Depot[string]
	Marks  pstate.Map[string, string] // by key: who came by last
	Leaves pstate.Map[int, string]    // by number

	mark    module.Step[string]
	scatter module.Step[string]
	leaf    module.Step[leaf]
}

type leaf struct {
	Number int
	Key    string
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "EventTree") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Keys, "keys")
	s := b.Stream("s")
	s.PState(&m.Marks, "marks")
	s.PState(&m.Leaves, "leaves")
	module.DeclareStep(s, &m.mark, "mark", module.At(&m.Marks, func(key string) string { return key }), func(ev *module.Event, key string) error {
		m.Marks.Key(key).Set(ev, "XYZ")
		return nil
	})
	module.DeclareStep(s, &m.scatter, "scatter", module.Shuffle[string](), func(ev *module.Event, key string) error {
		if key == "A" {
			for i := range 2 {
				m.leaf.Send(ev, leaf{i, key})
			}
		}
		return nil
	})
	module.DeclareStep(s, &m.leaf, "leaf", module.At(&m.Leaves, func(l leaf) int { return l.Number }), func(ev *module.Event, l leaf) error {
		m.Leaves.Key(l.Number).Set(ev, l.Key)
		return nil
	})
	module.DeclareSource(s, m.Keys, func(ev *module.Event, key string) error {
		m.mark.Send(ev, key)
		m.scatter.Send(ev, key)
		return nil
	})
}
