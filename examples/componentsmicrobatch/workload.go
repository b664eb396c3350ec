package componentsmicrobatch

import (
	"math/rand/v2"

	"github.com/coppice-run/coppice/examples/internal/forest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// Workload is the forest in the simulator (cmd/simulate): nothing points to what does not
// exist, in the snapshot of any moment.
func Workload() simulation.Workload {
	return simulation.Workload{Name: "components-microbatch", Hops: true, New: func() simulation.Case { return &trial{} }}
}

// trial is one run.
type trial struct {
	m    Module
	last uint64 // microbatch that was looked at last
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
		_, err := c.m.Changes.Append(p.Context(), p, change)
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
	return c.Check(r, nil)
}

// Check is what holds in every snapshot, and at rest.
func (c *trial) Check(r pstate.Reader, _ func(int) bool) error {
	f, err := c.m.reads().Load(r)
	if err != nil {
		return err
	}
	return f.Check(forest.Excused{})
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
