package module

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/internal/shape"
)

// ErrNotMirrored is what errors of dependencies between modules are, for errors.Is.
var ErrNotMirrored = errors.New("modules do not fit together")

// DependencyError refuses to launch a module that mirrors what is not there, or is declared
// otherwise there.
type DependencyError struct {
	Module   string
	Mistakes []Mistake
}

func (e *DependencyError) Error() string {
	text := fmt.Sprintf("module %s: what it mirrors is not there:", e.Module)
	for _, m := range e.Mistakes {
		text += "\n  " + m.String()
	}
	return text
}
func (e *DependencyError) Is(target error) bool { return target == ErrNotMirrored }

// Dependent is a module that would lose what it mirrors.
type Dependent struct {
	Module   string
	Mistakes []Mistake
}

// DependentsError refuses to change or remove a module in a way that takes away what others
// mirror.
type DependentsError struct {
	Module     string
	Dependents []Dependent
}

func (e *DependentsError) Error() string {
	text := fmt.Sprintf("module %s: others would lose what they mirror:", e.Module)
	for _, d := range e.Dependents {
		for _, m := range d.Mistakes {
			text += fmt.Sprintf("\n  module %s mirrors %s: %s", d.Module, m.Thing, m.Text)
		}
	}
	return text + "\nkeep what they mirror as it is, or first launch versions of them that do not mirror it"
}
func (e *DependentsError) Is(target error) bool { return target == ErrNotMirrored }

// MirrorsOf lists the modules that this one mirrors something of, each once, by name.
func (p *Plan) MirrorsOf() []string {
	var names []string
	for _, m := range p.Mirrors {
		names = append(names, m.Module)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Mirroring reports whether the module mirrors a depot of another one.
func (p *Plan) Mirroring(module, depot string) bool {
	return slices.ContainsFunc(p.Mirrors, func(m *MirrorPlan) bool {
		return m.Kind == MirrorsDepot && m.Module == module && m.Name == depot
	})
}

// Lacks says which mirrors of p do not find in the plan of a module what they mirror there;
// the plan is nil where the module was never launched.
func (p *Plan) Lacks(module string, there *Plan) (found []Mistake) {
	for _, m := range p.Mirrors {
		if m.Module != module {
			continue
		}
		if text, mend := m.lacks(there); text != "" {
			found = append(found, Mistake{m.Thing(), text, mend})
		}
	}
	return found
}

func (m *MirrorPlan) lacks(there *Plan) (text, mend string) {
	if there == nil {
		return fmt.Sprintf("module %s was never launched here", m.Module), "launch it first"
	}
	switch m.Kind {
	case MirrorsDepot:
		return m.lacksDepot(there)
	case MirrorsPState:
		return m.lacksPState(there)
	default:
		return m.lacksQuery(there)
	}
}

func (m *MirrorPlan) lacksDepot(there *Plan) (text, mend string) {
	d, ok := there.Depot(m.Name)
	switch {
	case !ok:
		return fmt.Sprintf("module %s has no such depot; it has %s", m.Module, listed(there.Depots, func(d *DepotPlan) string { return d.Name })), "mirror one of those, or launch a version of that module which declares it"
	case d.PeriodMillis > 0:
		return "is a tick depot, which has no records", "declare a TickDepot in this module"
	case d.Codec != m.Depot.Codec && !m.Depot.migratesStored:
		return fmt.Sprintf("its records are stored as %s, mirrored as %s", d.Codec, m.Depot.Codec), "give the mirror the codec of the original"
	}
	if wrong := unreadable(d.Shape, m.Depot.Shape); len(wrong) > 0 && !m.Depot.migratesStored {
		return "its records are of other types: " + strings.Join(wrong, "; "), "give the mirror the type of the original's records, or a part of their fields"
	}
	return "", ""
}

func (m *MirrorPlan) lacksPState(there *Plan) (text, mend string) {
	p := there.pstate(m.Name)
	switch {
	case p == nil:
		return fmt.Sprintf("module %s has no such PState; it has %s", m.Module, listed(there.PStates, func(p *PStatePlan) string { return p.Name })), "mirror one of those, or launch a version of that module which declares it"
	case p.Private:
		return "is private", "ask a query of its module instead"
	case p.Temporary:
		return "is temporary, and never stored", "mirror one that is"
	case !p.ReadBy(m.PState):
		return fmt.Sprintf("is declared as %s, mirrored as %s", p, m.PState), "give the mirror the type and the options of the original"
	}
	return "", ""
}

func (m *MirrorPlan) lacksQuery(there *Plan) (text, mend string) {
	q, ok := there.Query(m.Name)
	if !ok {
		return fmt.Sprintf("module %s has no such query; it has %s", m.Module, listed(there.Queries, func(q *QueryPlan) string { return q.Name })), "mirror one of those, or launch a version of that module which declares it"
	}
	for _, side := range []struct {
		what        string
		there, here *shape.Shape
		thereType   string
		hereType    string
	}{{"argument", q.ArgumentShape, m.Query.ArgumentShape, q.Argument, m.Query.Argument}, {"result", q.ResultShape, m.Query.ResultShape, q.Result, m.Query.Result}} {
		if wrong := unreadable(side.there, side.here); len(wrong) > 0 {
			return fmt.Sprintf("its %s is %s, mirrored as %s: %s", side.what, side.thereType, side.hereType, strings.Join(wrong, "; ")), "give the mirror the types of the original"
		}
	}
	return "", ""
}

// unreadable says why values of one shape are not read as another: one of them has to be
// the other, or to have fields that the other has not. What is not known is not compared.
func unreadable(there, here *shape.Shape) []string {
	if there == nil || here == nil {
		return nil
	}
	wrong := shape.Changes(there, here)
	if len(wrong) == 0 || len(shape.Changes(here, there)) == 0 {
		return nil
	}
	return wrong
}

func listed[T any](things []T, name func(T) string) string {
	if len(things) == 0 {
		return "none"
	}
	names := make([]string, len(things))
	for i, t := range things {
		names[i] = name(t)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// lanesMax bounds how many partitions of one depot a task reads: sources travel in 16 bits,
// and each lane has its own progress in every commit.
const lanesMax = 256

// Deploy returns the plan as it runs beside other modules: the sources of mirrored depots
// have a lane for each partition that a task reads. registered says what is known of a
// module, nil if it was never launched. Errors: *DependencyError, with all that does not fit.
func (p *Plan) Deploy(tasks int, registered func(module string) (*Registration, error)) (*Plan, error) {
	if len(p.Mirrors) == 0 {
		return p, nil
	}
	known := map[string]*Registration{}
	e := &DependencyError{Module: p.Module}
	for _, name := range p.MirrorsOf() {
		r, err := registered(name)
		if err != nil {
			return nil, fmt.Errorf("module %s mirrors module %s: %w", p.Module, name, err)
		}
		known[name] = r
		var there *Plan
		if r != nil {
			there = r.Plan
		}
		e.Mistakes = append(e.Mistakes, p.Lacks(name, there)...)
	}
	if len(e.Mistakes) > 0 {
		return nil, e
	}
	out := *p
	out.Streams = make([]*StreamPlan, len(p.Streams))
	for i, s := range p.Streams {
		deployed, wrong := s.deploy(tasks, known)
		out.Streams[i], e.Mistakes = deployed, append(e.Mistakes, wrong...)
	}
	if len(e.Mistakes) > 0 {
		return nil, e
	}
	return &out, nil
}

// deploy gives the sources of mirrored depots their lanes. The first is the source itself;
// the others come behind all sources, so that none changes its number.
func (s *StreamPlan) deploy(tasks int, known map[string]*Registration) (out *StreamPlan, wrong []Mistake) {
	deployed := *s
	deployed.Sources = slices.Clone(s.Sources)
	for i, source := range s.Sources {
		m := source.Depot.Mirror
		if m == nil {
			continue
		}
		r := known[m.Module]
		d, _ := r.Plan.Depot(m.Depot)
		partitions := d.Partitions(r.Tasks)
		lanes := (partitions + tasks - 1) / tasks
		if lanes > lanesMax {
			wrong = append(wrong, Mistake{fmt.Sprintf("source %q of %s %q", source.Name, s.noun(), s.Name), fmt.Sprintf("each task would read %d partitions of depot %s.%s; it reads %d at most", lanes, m.Module, m.Depot, lanesMax), "launch the module with more tasks"})
			continue
		}
		for lane := range lanes {
			one := source.lane(d, MirroredDepot{m.Module, m.Depot, partitions, lane})
			if lane == 0 {
				deployed.Sources[i] = one
				continue
			}
			one.ID = len(deployed.Sources)
			deployed.Sources = append(deployed.Sources, one)
		}
	}
	return &deployed, wrong
}

// lane is the source of one lane. The depot's ids of appends are told apart as they are in
// its own module.
func (p *SourcePlan) lane(original *DepotPlan, m MirroredDepot) *SourcePlan {
	source, read := *p, *p.Depot
	read.Mirror, read.IDWindow, read.Key = &m, original.IDWindow, original.Key
	if m.Lane > 0 {
		source.Name = fmt.Sprintf("%s.%d", p.Name, m.Lane)
		read.Name = fmt.Sprintf("%s.%d", p.Depot.Name, m.Lane)
	}
	source.Depot = &read
	return &source
}

// reads is the number of partitions that so many tasks read, from task 0 on.
func (m *MirroredDepot) reads(tasks int) int {
	return min(max(m.Partitions-m.Lane*tasks, 0), tasks)
}

// Home is where the depot is declared, by the names of its module and its own.
func (d *DepotPlan) Home(module string) (of, name string) {
	if d.Mirror == nil {
		return module, d.Name
	}
	return d.Mirror.Module, d.Mirror.Depot
}
