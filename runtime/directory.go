package runtime

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// directory translates between the numbers of steps and sources, which hold for one
// version of a module, and their names, which parcels carry (wire.Directory). Events
// are under way to steps of exactly-once streams alone: in another one they could not
// be finished as they were promised.
type directory struct {
	plan   *module.Plan
	steps  []*module.StepPlan
	byName map[string]uint16
}

func newDirectory(plan *module.Plan, steps []*module.StepPlan) *directory {
	d := &directory{plan: plan, steps: steps, byName: map[string]uint16{}}
	for _, s := range steps {
		if !plan.Streams[s.TopologyID()].ExactlyOnce {
			continue
		}
		d.byName[s.Name] = s.ID
		for _, former := range s.FormerNames {
			d.byName[former] = s.ID
		}
	}
	return d
}

func (d *directory) StepName(step uint16) string { return d.steps[step].Name }

func (d *directory) SourceName(step, source uint16) string {
	return d.plan.Streams[d.steps[step].TopologyID()].Sources[source].Name
}

func (d *directory) Step(name string) (uint16, bool) {
	step, ok := d.byName[name]
	return step, ok
}

func (d *directory) Source(step uint16, name string) (uint16, bool) {
	for _, s := range d.plan.Streams[d.steps[step].TopologyID()].Sources {
		if s.Name == name {
			return uint16(s.ID), true
		}
	}
	return 0, false
}

func (d *directory) Column(step uint16) wire.Column { return d.steps[step].NewColumn(true) }
