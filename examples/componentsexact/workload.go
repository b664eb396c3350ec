package componentsexact

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/examples/internal/forest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// Workload is the forest in the simulator (cmd/simulate): programs that create and delete
// a few components at random, below each other, twice, and what is not there. What the
// package promises of every moment is held against every moment.
func Workload() simulation.Workload {
	return simulation.Workload{Name: "components-exact", Hops: true, Exact: true, New: func() simulation.Case { return &trial{} }}
}

// trial is one run.
type trial struct{ m Module }

// Module is the forest.
func (c *trial) Module() module.Module { return &c.m }

// Append is not called: the programs append.
func (c *trial) Append(module.Appender, *rand.Rand, int) error { return nil }

// Acked is of no use: the programs look at their answers.
func (c *trial) Acked(int, module.Acks) error { return nil }

// Programs create and delete.
func (c *trial) Programs() (int, func(*simulation.Program) error) {
	return forest.Programs(func(p *simulation.Program, f forest.Change) error {
		var change Change = Create{f.ID, f.Parent, f.Text}
		if f.Delete {
			change = Delete{f.ID}
		}
		_, err := c.m.Changes.Append(p.Context(), p, change)
		return err
	})
}

// Watch is what holds at every moment.
func (c *trial) Watch(s *simulation.State) error {
	coming, err := underWay(s, c.m.persist)
	if err != nil {
		return err
	}
	going, err := underWay(s, c.m.detach)
	if err != nil {
		return err
	}
	return c.m.integrity(s, func(parent, child string) bool {
		return coming[place{Parent: parent, Child: child}] || going[place{Parent: parent, Child: child}]
	})
}

// underWay are the places that events on their way to a step are about.
func underWay(s *simulation.State, step module.Step[place]) (map[place]bool, error) {
	places := map[place]bool{}
	for p, err := range simulation.UnderWay(s, step) {
		if err != nil {
			return nil, err
		}
		places[place{Parent: p.Parent, Child: p.Child}] = true
	}
	return places, nil
}

// Check is what holds at rest: the same with nothing under way, and every deletion has
// come to its end.
func (c *trial) Check(r pstate.Reader, _ func(int) bool) error {
	wrong := []error{c.m.integrity(r, nil)}
	for _, id := range forest.IDs() {
		if have, err := c.m.Components.Key(id).Get(r); err != nil || have.Closing {
			wrong = append(wrong, fmt.Errorf("%s is still closing (error %v)", id, err))
		}
	}
	return errors.Join(wrong...)
}

// integrity: neither a parent nor a child points to something that does not exist
// (promise 0.10), but for children that mended says are about to come or to go.
func (m *Module) integrity(r pstate.Reader, mended func(parent, child string) bool) error {
	f, err := m.reads().Load(r)
	if err != nil {
		return err
	}
	return f.Check(forest.Excused{Absent: mended})
}

// reads are how the forest is read.
func (m *Module) reads() forest.Reads {
	return forest.Reads{
		Component: func(r pstate.Reader, id string) (string, bool, error) {
			c, exists, err := m.Components.Key(id).Lookup(r)
			return c.Parent, exists, err
		},
		Children: func(r pstate.Reader, id string) (all []string, err error) {
			for child, err := range m.Children.Key(id).Range(r, pstate.All[string]()) {
				if err != nil {
					return nil, err
				}
				all = append(all, child)
			}
			return all, nil
		},
	}
}
