package module

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/pstate"
)

// Change is something that a new version of a module declares otherwise than the
// version before it, so that stored data would not be found or read.
type Change struct {
	Thing string // PState "counts", depot "clicks"
	Text  string // what has changed
}

// ChangedError refuses to launch a module over data that its code would not find or
// read.
type ChangedError struct {
	Module  string
	Changes []Change
}

func (e *ChangedError) Error() string {
	var out strings.Builder
	fmt.Fprintf(&out, "module %s: the data of the version that ran before would not be found or read:", e.Module)
	for _, c := range e.Changes {
		fmt.Fprintf(&out, "\n  %s: %s", c.Thing, c.Text)
	}
	out.WriteString("\ntake the change back, or declare what has changed under a new name: what lies under the old one stays as it is")
	return out.String()
}

// Accepts compares a module with the registration of the version that ran before; it
// returns a *ChangedError, or nil. New PStates, depots, fixed keys and fields of values
// are taken, and what is no longer declared: its data stay.
func (p *Plan) Accepts(before *Registration) error {
	var changes []Change
	for _, d := range before.Plan.Depots {
		if now, ok := p.Depot(d.Name); ok {
			for _, text := range d.changes(now) {
				changes = append(changes, Change{fmt.Sprintf("depot %q", d.Name), text})
			}
		}
	}
	for _, old := range append(slices.Clone(before.Plan.PStates), before.Former...) {
		if now := p.pstate(old.Name); now != nil && !now.Temporary && !old.Temporary {
			for _, text := range old.changes(now) {
				changes = append(changes, Change{fmt.Sprintf("PState %q", old.Name), text})
			}
		}
	}
	changes = append(changes, p.stepChanges(before.Plan)...)
	changes = append(changes, p.stepsGone(before.Plan)...)
	if len(changes) == 0 {
		return nil
	}
	return &ChangedError{Module: p.Module, Changes: changes}
}

// Former lists what the version before declared and this one does not: should it be
// declared again, its data are still there.
func (p *Plan) Former(before *Registration) (former []*PStatePlan) {
	for _, old := range append(slices.Clone(before.Plan.PStates), before.Former...) {
		if p.pstate(old.Name) == nil && !old.Temporary {
			former = append(former, old)
		}
	}
	slices.SortFunc(former, func(a, b *PStatePlan) int { return strings.Compare(a.Name, b.Name) })
	return former
}

func (p *Plan) pstate(name string) *PStatePlan {
	i := slices.IndexFunc(p.PStates, func(s *PStatePlan) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return p.PStates[i]
}

// changes says what of a depot's declaration makes its records unreadable.
func (d *DepotPlan) changes(now *DepotPlan) (found []string) {
	if d.Codec != now.Codec && !now.migratesStored {
		found = append(found, fmt.Sprintf("records were stored as %s, are as %s", d.Codec, now.Codec))
	}
	if (d.PeriodMillis > 0) != (now.PeriodMillis > 0) {
		return append(found, "was "+d.kind()+", is "+now.kind())
	}
	if d.Global != now.Global {
		found = append(found, "was "+d.partitioning()+", is "+now.partitioning())
	}
	return found
}

func (d *DepotPlan) kind() string {
	if d.PeriodMillis > 0 {
		return "a tick depot"
	}
	return "a depot of records"
}

// changes says what of a PState's declaration makes its data unreadable, or puts them
// on other tasks.
func (s *PStatePlan) changes(now *PStatePlan) []string {
	found := s.Layout.Changes(now.Layout)
	for i, text := range found {
		found[i] = "its schema: " + text
	}
	found = append(found, s.migrationChanges(now)...)
	if s.Global != now.Global {
		found = append(found, "was "+s.places()+", is "+now.places())
	} else if s.OwnPartitioner != now.OwnPartitioner {
		found = append(found, "was partitioned "+s.partitioner()+", is "+now.partitioner())
	}
	if a, b := initialOf(s), initialOf(now); a != b {
		found = append(found, fmt.Sprintf("its initial value was %s, is %s: it would change on each task that has never written it", a, b))
	}
	return found
}

// migrationChanges says which migrations are declared anew that are over, or that cannot be told
// from others.
func (s *PStatePlan) migrationChanges(now *PStatePlan) (found []string) {
	for _, id := range now.Migrations {
		if slices.Contains(s.Migrations, id) {
			continue
		}
		for _, former := range append(slices.Clone(s.Migrated), s.Migrations...) {
			switch {
			case former == id:
				found = append(found, fmt.Sprintf("its migration %q was done and left out: what was written since would be migrated again; give the new one another id", id))
			case pstate.MarkOf(former) == pstate.MarkOf(id):
				found = append(found, fmt.Sprintf("its migration %q cannot be told from the earlier one %q; give it another id", id, former))
			}
		}
	}
	return found
}

// Ended lists the PStates of the version before of which this one leaves a migration out: all of
// theirs have to be done.
func (p *Plan) Ended(before *Registration) (ended []*PStatePlan) {
	for _, old := range append(slices.Clone(before.Plan.PStates), before.Former...) {
		now := p.pstate(old.Name)
		if now != nil && slices.ContainsFunc(old.Migrations, func(id string) bool { return !slices.Contains(now.Migrations, id) }) {
			ended = append(ended, old)
		}
	}
	return ended
}

// Dropped lists the microbatch topologies of the version before that this one has not: what
// was decided of them has to be applied, since nobody will do it any more.
func (p *Plan) Dropped(before *Registration) (dropped []string) {
	for _, old := range before.Plan.Streams {
		if old.Microbatch && !slices.ContainsFunc(p.Streams, func(s *StreamPlan) bool { return s.Microbatch && s.Name == old.Name }) {
			dropped = append(dropped, old.Name)
		}
	}
	return dropped
}

// UnappliedError refuses a version without a microbatch topology whose latest microbatch is
// decided, and not applied on all tasks: a part of it would never take effect (promise 0.18).
type UnappliedError struct {
	Module, Topology string
	Microbatch       uint64
	Tasks            []int // that have not applied it
}

func (e *UnappliedError) Error() string {
	return fmt.Sprintf("module %s: this version has no microbatch topology %s, of which microbatch %d is decided and not applied on the tasks %v: launch the version that has it, pause it (topology.microbatch.paused), and wait until coppice progress says that it is idle", e.Module, e.Topology, e.Microbatch, e.Tasks)
}

// Remember returns the plan with the migrations of each PState that are over, so that none is
// used again.
func (p *Plan) Remember(before *Registration) *Plan {
	out := *p
	out.PStates = slices.Clone(p.PStates)
	for _, old := range append(slices.Clone(before.Plan.PStates), before.Former...) {
		i := slices.IndexFunc(out.PStates, func(now *PStatePlan) bool { return now.Name == old.Name })
		if i < 0 || len(old.Migrated)+len(old.Migrations) == 0 {
			continue
		}
		now := *out.PStates[i]
		now.Migrated = slices.Clone(old.Migrated)
		for _, id := range old.Migrations {
			if !slices.Contains(now.Migrations, id) && !slices.Contains(now.Migrated, id) {
				now.Migrated = append(now.Migrated, id)
			}
		}
		out.PStates[i] = &now
	}
	return &out
}

// UnfinishedError refuses a version that leaves a migration out which is not done.
type UnfinishedError struct {
	Module, PState, Migration string
	Tasks                     []int // that still have values of before
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("module %s: PState %q: migration %q is not done on the tasks %v: launch the version that declares it until coppice progress --migrations says so", e.Module, e.PState, e.Migration, e.Tasks)
}

func (s *PStatePlan) places() string {
	if s.Global {
		return "global"
	}
	return "on all tasks"
}

func (s *PStatePlan) partitioner() string {
	if s.OwnPartitioner {
		return "by a function of its own"
	}
	return "by hash"
}

func initialOf(s *PStatePlan) string {
	if s.Initial == nil {
		return "none"
	}
	return *s.Initial
}

// stepChanges says which events of exactly-once streams, stored until they have run,
// their steps could not read.
func (p *Plan) stepChanges(before *Plan) (found []Change) {
	for _, stream := range p.Streams {
		if !stream.ExactlyOnce {
			continue
		}
		for _, step := range stream.Steps {
			for _, old := range before.Streams {
				for _, was := range old.Steps {
					if old.Name == stream.Name && (was.Name == step.Name || slices.Contains(step.FormerNames, was.Name)) && was.Codec != step.Codec {
						found = append(found, Change{fmt.Sprintf("step %q", step.Name), fmt.Sprintf("events under way were stored as %s, are as %s", codecName(was.Codec), codecName(step.Codec))})
					}
				}
			}
		}
	}
	return found
}

// stepsGone are the steps of exactly-once streams that the version before had, that this
// one has not, under no name, and does not say of that they are gone.
func (p *Plan) stepsGone(before *Plan) (found []Change) {
	for _, stream := range p.Streams {
		for _, old := range before.Streams {
			if old.Name != stream.Name || !old.ExactlyOnce || !stream.ExactlyOnce {
				continue
			}
			for _, was := range old.Steps {
				if !stream.takes(was.Name) {
					found = append(found, Change{fmt.Sprintf("step %q", was.Name), fmt.Sprintf("is gone, and events may be under way to it: name the step that takes its place with module.FormerName(%q); or run a version that no longer sends to it until its events are done, and then say module.WithoutSteps(%q)", was.Name, was.Name)})
				}
			}
		}
	}
	return found
}

// takes reports whether events to a step of the version before find one here, or cannot be
// there.
func (s *StreamPlan) takes(name string) bool {
	return slices.Contains(s.without, name) || slices.ContainsFunc(s.Steps, func(step *StepPlan) bool {
		return step.Name == name || slices.Contains(step.FormerNames, name)
	})
}

func codecName(name string) string {
	if name == "" {
		return "json"
	}
	return name
}
