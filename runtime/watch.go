package runtime

import (
	"sync/atomic"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Watch lets others see which handler a task runs, also while it does not return: a
// handler that blocks holds up its task, which then answers nobody. It costs two stores
// for each event, and none where Config.Watch is nil.
//
// What is seen may be of two events, one half of each, while events go by fast; who looks
// twice and sees the same has seen one that stays.
type Watch struct {
	offset  atomic.Int64
	what    atomic.Uint64 // see pack; 0: no handler runs
	stepped atomic.Int64  // the task's time at which the step under way began
}

// Bits of what is packed into one number.
const (
	attemptBits = 8
	sourceBits  = 16
	rootBits    = 20
	handlerBits = 64 - attemptBits - sourceBits - rootBits
)

// enter notes the handler that is about to run: number is that of its step, or behind the
// steps that of its source.
func (w *Watch) enter(number int, h *host.Event) {
	w.offset.Store(h.Origin.Offset)
	root := h.Origin.Root
	if h.Microbatch != 0 {
		root, _ = wire.MicroPart(h.Origin.Tree.Slot)
	}
	w.what.Store(uint64(number+1)<<(64-handlerBits) | uint64(uint32(root))&(1<<rootBits-1)<<(attemptBits+sourceBits) |
		uint64(h.Origin.Source)&(1<<sourceBits-1)<<attemptBits | uint64(min(h.Origin.Attempt, 1<<attemptBits-1)))
}

// seen is one look.
type seen struct {
	what    uint64
	offset  int64
	stepped int64
}

func (w *Watch) look() seen {
	return seen{w.what.Load(), w.offset.Load(), w.stepped.Load()}
}

// Handler returns the handler that runs, and since when, in the task's own time: it began
// then or later, within one step. ok is false if none runs. It may be called from
// anywhere.
func (w *Watch) Handler(d *Handlers) (h eventtree.Handler, since int64, ok bool) {
	first := w.look()
	if first.what == 0 || w.look() != first {
		return h, 0, false
	}
	h, ok = d.of(first)
	return h, first.stepped, ok
}

// handlerNumber numbers the handlers of a module: steps first, then sources.
func (t *Task) handlerNumber(it *item) int {
	if it.source != nil && it.frame == nil {
		return len(t.steps) + t.sourceBase[it.source.topology.plan.ID] + it.source.plan.ID
	}
	return int(it.frame.Events[it.index].Step)
}

// Handlers are those of a module, by the numbers that a Watch has for them. It does not
// change, and may be shared.
type Handlers struct {
	plan  *module.Plan
	steps []*module.StepPlan
	all   []handlerName
}

type handlerName struct {
	stream int
	name   string
	root   bool
}

// NewHandlers lists the handlers of a module.
func NewHandlers(plan *module.Plan) *Handlers {
	d := &Handlers{plan: plan, steps: plan.Steps()}
	for _, step := range d.steps {
		d.all = append(d.all, handlerName{step.TopologyID(), step.Name, false})
	}
	for i, s := range plan.Streams {
		for _, source := range s.Sources {
			d.all = append(d.all, handlerName{i, source.Name, true})
		}
	}
	return d
}

// of names what was seen.
func (d *Handlers) of(s seen) (h eventtree.Handler, ok bool) {
	number := int(s.what>>(64-handlerBits)) - 1
	if number < 0 || number >= len(d.all) {
		return h, false
	}
	name := &d.all[number]
	stream := d.plan.Streams[name.stream]
	h = eventtree.Handler{
		Topology: stream.Name, Step: name.name, Root: name.root, Attempt: max(int(s.what&(1<<attemptBits-1)), 1),
		Record: eventtree.Record{Module: d.plan.Module, Partition: task.ID(s.what >> (attemptBits + sourceBits) & (1<<rootBits - 1)), Offset: s.offset},
	}
	lane := uint16(s.what >> attemptBits)
	if source, ok := stream.Source(lane); ok {
		h.Source, h.Record.Depot = stream.SourceName(lane), source.Depot.Name
	}
	return h, true
}

// Waiting finds the events of a record in a frame that has come, and that its task has not
// taken.
func (d *Handlers) Waiting(q *eventtree.Query, f *wire.Frame) (all []eventtree.Event) {
	for i := range f.Events {
		if e, ok := matches(d.plan, d.steps, q, &f.Events[i]); ok {
			e.Task, e.State = f.To, eventtree.Queued
			all = append(all, e)
		}
	}
	return all
}

// matches describes an event if it is one of the record that is asked for.
func matches(plan *module.Plan, steps []*module.StepPlan, q *eventtree.Query, e *wire.Event) (found eventtree.Event, ok bool) {
	step := steps[e.Step]
	stream := plan.Streams[step.TopologyID()]
	root := e.Root
	if stream.Microbatch {
		root, _ = wire.MicroPart(e.Tree.Slot)
	}
	if e.Offset != q.Offset || root != q.Partition {
		return found, false
	}
	source, ok := stream.Source(e.Source)
	if !ok || source.Depot.Name != q.Depot {
		return found, false
	}
	return eventtree.Event{
		Topology: stream.Name, Step: step.Name, Source: stream.SourceName(e.Source), ID: eventtree.ID(e.Seed), Attempt: max(int(e.Attempt), 1),
	}, true
}
