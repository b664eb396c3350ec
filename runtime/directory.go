package runtime

import (
	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Directory translates between the numbers of steps and sources, which hold for one
// version of a module, and their names, which parcels carry (wire.Directory). Events
// are under way to steps of exactly-once streams alone: in another one they could not
// be finished as they were promised.
type Directory struct {
	plan   *module.Plan
	steps  []*module.StepPlan
	byName map[string]uint16
}

// NewDirectory makes the directory of a plan: for the engine, and for who reads parcels
// that it has stored.
func NewDirectory(plan *module.Plan, steps []*module.StepPlan) *Directory {
	d := &Directory{plan: plan, steps: steps, byName: map[string]uint16{}}
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

// numbersAs reports whether another directory gives the same numbers: that of another task
// with the same plan.
func (d *Directory) numbersAs(other wire.Directory) bool {
	o, ok := other.(*Directory)
	return ok && o.plan == d.plan
}

// StepName names a step.
func (d *Directory) StepName(step uint16) string { return d.steps[step].Name }

// SourceName names a source of a step's topology.
func (d *Directory) SourceName(step, source uint16) string {
	return d.plan.Streams[d.steps[step].TopologyID()].SourceName(source)
}

// Stem is what the seeds of the root events of a source's partition grow from.
func (d *Directory) Stem(step, source uint16, partition task.ID) uint64 {
	s := d.plan.Streams[d.steps[step].TopologyID()]
	return acker.Stem(s.Name, s.SourceName(source), int32(partition))
}

// Step finds a step by its name, or a name that it had.
func (d *Directory) Step(name string) (uint16, bool) {
	step, ok := d.byName[name]
	return step, ok
}

// Source finds a source of a step's topology.
func (d *Directory) Source(step uint16, name string) (uint16, bool) {
	return d.plan.Streams[d.steps[step].TopologyID()].SourceNumber(name)
}

// Column makes the empty column of a step.
func (d *Directory) Column(step uint16) wire.Column { return d.steps[step].NewColumn(true) }
