package componentsexact

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// Workload is the forest in the simulator (cmd/simulate): programs that create and delete
// a few components at random, below each other, twice, and what is not there. What the
// package promises of every moment is held against every moment.
func Workload() simulation.Workload {
	return simulation.Workload{Name: "components", Hops: true, Exact: true, New: func() simulation.Case { return &trial{} }}
}

// trial is one run.
type trial struct{ m Module }

const (
	trialIDs      = 12
	trialPrograms = 5
	trialChanges  = 10
)

// ids are few, so that programs get in each other's way.
func ids() (all []string) {
	for i := range trialIDs {
		all = append(all, fmt.Sprintf("c%d", i))
	}
	return all
}

// Module is the forest.
func (c *trial) Module() module.Module { return &c.m }

// Append is not called: the programs append.
func (c *trial) Append(module.Appender, *rand.Rand, int) error { return nil }

// Acked is of no use: the programs look at their answers.
func (c *trial) Acked(int, module.Acks) error { return nil }

// Programs create and delete.
func (c *trial) Programs() (int, func(*simulation.Program) error) {
	return trialPrograms, func(p *simulation.Program) error {
		all := ids()
		for range trialChanges {
			id := all[p.Random.IntN(len(all))]
			var change Change = Create{ID: id, Text: "some"}
			switch p.Random.IntN(6) {
			case 0, 1, 2:
				change = Create{ID: id, Parent: all[p.Random.IntN(len(all))], Text: "some"}
			case 3:
				change = Delete{ID: id}
			}
			if _, err := c.m.Changes.Append(p.Context(), p, change); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			p.Pause(time.Duration(p.Random.IntN(60)) * time.Millisecond)
		}
		return nil
	}
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
	wrong := []error{c.m.integrity(r, func(string, string) bool { return false })}
	for _, id := range ids() {
		if have, err := c.m.Components.Key(id).Get(r); err != nil || have.Closing {
			wrong = append(wrong, fmt.Errorf("%s is still closing (error %v)", id, err))
		}
	}
	return errors.Join(wrong...)
}

// integrity: neither a parent nor a child points to something that does not exist
// (promise 0.10), but for children that mended says are about to come or to go.
func (m *Module) integrity(r pstate.Reader, mended func(parent, child string) bool) error {
	var wrong []error
	for _, id := range ids() {
		have, exists, err := m.Components.Key(id).Lookup(r)
		if err != nil {
			return err
		}
		if have.Parent != "" {
			if shown, err := m.Children.Key(have.Parent).Has(r, id); err != nil || !shown {
				wrong = append(wrong, fmt.Errorf("%s has the parent %s, which does not show it (error %v)", id, have.Parent, err))
			}
		}
		for child, err := range m.Children.Key(id).Range(r, pstate.All[string]()) {
			if err != nil {
				return err
			}
			if !exists {
				wrong = append(wrong, fmt.Errorf("%s, which does not exist, shows the child %s", id, child))
			}
			if at, there, err := m.Components.Key(child).Lookup(r); err != nil || (!there || at.Parent != id) && !mended(id, child) {
				wrong = append(wrong, fmt.Errorf("%s shows the child %s, which does not exist, or has the parent %q (error %v)", id, child, at.Parent, err))
			}
		}
	}
	return errors.Join(wrong...)
}
