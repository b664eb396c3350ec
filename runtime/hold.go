package runtime

import (
	"slices"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// Events that wait because somebody says so: for tests, which bring about an
// interleaving, and for the simulation. Nothing blocks: the engine leaves what is
// held where it is and goes on with the rest.
//
// What it leaves behind keeps its order. Events from one task to another run in the
// order in which they were sent (promise 0.12), so those behind a held one, from the
// same sender, wait with it; other senders' go on. An order that could not come about
// without a hold does not come about with one.

// Hold has the events of a step, or the records of a source, wait from the next one
// on that the task would begin; of a call to the outside, that it is made. Those that are drawn for the open batch already
// still run. Trees whose events wait go on to be under their timeout. A handler that
// the module does not have changes nothing.
type Hold struct{ Handler module.HandlerName }

// Let lets the next so many events of a held step, or records of a held source,
// begin.
type Let struct {
	Handler module.HandlerName
	Events  int
}

// Release ends a hold.
type Release struct{ Handler module.HandlerName }

func (*Hold) input()    {}
func (*Let) input()     {}
func (*Release) input() {}

// gate is a hold.
type gate struct {
	handler module.HandlerName
	step    *module.StepPlan // nil: of a source
	sources []*source        // those of a declared one: of a topic of others there may be several
	let     int              // that may pass
}

// onHold takes a hold. It outlives connections, like options.
func (t *Task) onHold(h module.HandlerName) {
	if t.gate(h) != nil {
		return
	}
	g := &gate{handler: h}
	for _, step := range t.steps {
		if !h.Source && step.Topology == h.Topology && step.Name == h.Name {
			g.step = step
		}
	}
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			if h.Source && topo.plan.Name == h.Topology && s.plan.Depot.Declared(s.plan.Name) == h.Name {
				g.sources = append(g.sources, s)
			}
		}
	}
	if g.step != nil || len(g.sources) > 0 {
		t.gates = append(t.gates, g)
	}
}

func (t *Task) onLet(in *Let) {
	if g := t.gate(in.Handler); g != nil {
		g.let += in.Events
	}
}

func (t *Task) onRelease(h module.HandlerName) {
	t.gates = slices.DeleteFunc(t.gates, func(g *gate) bool { return g.handler == h })
	if len(t.gates) == 0 {
		t.gates = nil
	}
}

func (t *Task) gate(h module.HandlerName) *gate {
	for _, g := range t.gates {
		if g.handler == h {
			return g
		}
	}
	return nil
}

// mayDraw is how many of a lane's next n events may begin: those before the first
// that is held.
func (t *Task) mayDraw(l *lane, n int) int {
	if t.gates == nil {
		return n
	}
	may := 0
	l.each(func(e *wire.Event) bool {
		for _, g := range t.gates {
			if g.step == nil || g.step.ID != e.Step {
				continue
			}
			if g.let == 0 {
				return false
			}
			g.let--
		}
		may++
		return may < n
	})
	return may
}

// mayDrawFrom reports whether the next event of a channel may begin.
func (t *Task) mayDrawFrom(in *inbox) bool {
	if t.gates == nil {
		return true
	}
	p, event, ok := in.Peek()
	if !ok {
		return true
	}
	for _, g := range t.gates {
		if g.step == nil || g.step.ID != p.Frame.Events[event].Step {
			continue
		}
		if g.let == 0 {
			return false
		}
		g.let--
	}
	return true
}

// nextToMake is the first call that waits and may be made; -1: there is none.
func (t *Task) nextToMake() int {
	for i, c := range t.calls.queued {
		if t.mayMake(c) {
			return i
		}
	}
	return -1
}

func (t *Task) mayMake(c *call) bool {
	for _, g := range t.gates {
		if g.step == nil || g.step.ID != c.frame.Events[0].Step {
			continue
		}
		if g.let == 0 {
			return false
		}
		g.let--
	}
	return true
}

// mayBegin reports whether a source may begin a record.
func (t *Task) mayBegin(s *source) bool {
	for _, g := range t.gates {
		if g.let == 0 && slices.Contains(g.sources, s) {
			return false
		}
	}
	return true
}

// hasBegun counts a record that a hold has let pass.
func (t *Task) hasBegun(s *source) {
	for _, g := range t.gates {
		if g.let > 0 && slices.Contains(g.sources, s) {
			g.let--
		}
	}
}

// Held is what waits at a hold of a task.
type Held struct {
	Handler module.HandlerName
	// Events of the step that have arrived and wait, in front or behind others that
	// wait; or records of the source that were read and have not begun; or calls that
	// are not made.
	Events int
}

// waitingAtHolds counts it.
func (t *Task) waitingAtHolds() []Held {
	var all []Held
	for _, g := range t.gates {
		h := Held{Handler: g.handler}
		for _, s := range g.sources {
			h.Events += s.count + s.retries.Len()
		}
		if g.step != nil {
			t.eachArrived(func(e *wire.Event) {
				if e.Step == g.step.ID {
					h.Events++
				}
			})
		}
		all = append(all, h)
	}
	return all
}

// eachArrived visits the events that have arrived and are not drawn.
func (t *Task) eachArrived(visit func(*wire.Event)) {
	for _, l := range t.queue.lanes {
		if l != nil {
			l.each(func(e *wire.Event) bool { visit(e); return true })
		}
	}
	for i := range t.hops.in {
		t.hops.in[i].Undrawn(visit)
	}
	for _, c := range t.calls.queued {
		visit(&c.frame.Events[0])
	}
}

// each visits the events of a lane in their order, until visit returns false.
func (l *lane) each(visit func(*wire.Event) bool) {
	from := l.next
	for _, f := range l.frames {
		for i := from; i < len(f.Events); i++ {
			if !visit(&f.Events[i]) {
				return
			}
		}
		from = 0
	}
}
