package componentsmicrobatch

import (
	"errors"
	"math/rand/v2"

	"github.com/coppice-run/coppice/examples/internal/forest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// Workload is the forest in the simulator (cmd/simulate): nothing points to what does not
// exist, in the snapshot of any moment; and at rest what was created is there, and what was
// deleted is not, as far as it follows from what was asked for.
func Workload() simulation.Workload {
	return simulation.Workload{Name: "components-microbatch", Hops: true, New: func() simulation.Case { return &trial{} }}
}

// trial is one run.
type trial struct {
	m    Module
	last uint64 // microbatch that was looked at last
	past forest.History
	lost string // tests have the changes of this component be lost
}

// Module is the forest.
func (c *trial) Module() module.Module { return &c.m }

// Append is not called: the programs append.
func (c *trial) Append(module.Appender, *rand.Rand, int) error { return nil }

// Acked is of no use: nobody waits for a microbatch.
func (c *trial) Acked(int, module.Acks) error { return nil }

// Programs create and delete.
func (c *trial) Programs() (int, func(*simulation.Program) error) {
	return forest.Programs(func(p *simulation.Program, f forest.Change) error {
		var change Change = Create{f.ID, f.Parent, f.Text}
		if f.Delete {
			change = Delete{f.ID}
		}
		end := c.past.Begin(f)
		if f.ID == c.lost {
			end()
			return nil
		}
		_, err := c.m.Changes.Append(p.Context(), p, change)
		if err == nil {
			end()
		}
		return err
	})
}

// Watch looks at the snapshot of a moment.
func (c *trial) Watch(s *simulation.State) error {
	r, id, err := s.Snapshot(Topology)
	if err != nil || id == c.last {
		return err
	}
	c.last = id
	f, err := c.m.reads().Load(r)
	if err != nil {
		return err
	}
	c.past.Saw(f)
	return f.Check(forest.Excused{})
}

// Check is what holds at rest.
func (c *trial) Check(r pstate.Reader, _ func(int) bool) error {
	f, err := c.m.reads().Load(r)
	if err != nil {
		return err
	}
	_, err = c.past.Check(f)
	return errors.Join(f.Check(forest.Excused{}), err)
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
				all = append(all, child.Key)
			}
			return all, nil
		},
	}
}
