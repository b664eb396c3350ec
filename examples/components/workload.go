package components

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/examples/internal/forest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
	"github.com/coppice-run/coppice/store"
)

// Workload is the forest in the simulator (cmd/simulate): what the package promises of every
// moment is held against every moment. Where two masters live at once, one of them without
// the other's last writes, a deletion can be seen at the parent and lost at the child: what
// is only applied does not promise more, and the level Replicated is made for it (R40).
func Workload() simulation.Workload {
	level := store.Replicated(1)
	return simulation.Workload{Name: "components-stream", Hops: true, Durability: &level, New: func() simulation.Case { return &trial{} }}
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
func (c *trial) Programs() (int, func(*simulation.Program) error) { return forest.Programs(c.m.send) }

// Watch is what holds at every moment.
func (c *trial) Watch(s *simulation.State) error { return c.m.always(s) }

// Check is what holds at rest.
func (c *trial) Check(r pstate.Reader, _ func(int) bool) error { return c.m.integrity(r) }

// send appends what a program asks for.
func (m *Module) send(p *simulation.Program, f forest.Change) error {
	var change Change = Create{f.ID, f.Parent, f.Text}
	if f.Delete {
		change = Delete{ID: f.ID}
	}
	_, err := m.Changes.Append(p.Context(), p, change)
	return err
}

// always: neither a parent nor a child points to something that does not exist (promise
// 0.10). A child may be hidden while it comes (promise 0.33) and goes (promise 0.34).
func (m *Module) always(s *simulation.State) error {
	f, err := m.reads().Load(s)
	if err != nil {
		return err
	}
	return f.Check(forest.Excused{Hidden: func(parent, child string) bool {
		comes, err := m.Awaits(s, parent, child)
		goes, wrong := m.Leaves(s, parent, child)
		return err == nil && wrong == nil && (comes || goes)
	}})
}

// integrity is what holds at rest: nothing is about to come or to go.
func (m *Module) integrity(r pstate.Reader) error {
	f, err := m.reads().Load(r)
	if err != nil {
		return err
	}
	wrong := []error{f.Check(forest.Excused{})}
	for _, id := range forest.IDs() {
		for _, hidden := range []pstate.SortedSet[string]{m.future.Key(id), m.leaving.Key(id)} {
			if n, err := hidden.Len(r); err != nil || n > 0 {
				wrong = append(wrong, fmt.Errorf("%s has %d hidden children (error %v)", id, n, err))
			}
		}
		if open, err := m.open(r, id); err != nil || !open && exists(f, id) {
			wrong = append(wrong, fmt.Errorf("%s is still being deleted (error %v)", id, err))
		}
	}
	return errors.Join(wrong...)
}

func exists(f *forest.Forest, id string) bool {
	_, there := f.Parent[id]
	return there
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
