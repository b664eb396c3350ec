package worker

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport"
)

// handler is the worker's end of its link.
type handler struct{ w *Worker }

// Frame takes in a frame of another worker.
func (h handler) Frame(from string, raw []byte) {
	name, body, err := wire.ParseEnvelope(raw)
	l := h.w.module(name)
	if err == nil && l == nil {
		err = fmt.Errorf("no module %q here", name)
	}
	if id, moved := wire.ParseMoved(body); err == nil && moved && int(id) < l.tasks {
		l.owners.lost(id, from)
		return
	}
	var f *wire.Frame
	if err == nil {
		f, err = wire.ParseFrame(body, func(step uint16) (wire.Column, error) {
			if int(step) >= len(l.steps) {
				return nil, fmt.Errorf("module %s has no step %d", name, step)
			}
			return l.steps[step].NewColumn(true), nil
		})
	}
	if err == nil && (f.To < 0 || int(f.To) >= l.tasks || f.From < 0 || int(f.From) >= l.tasks) {
		err = fmt.Errorf("frame from task %d to task %d of module %s, which has %d tasks", f.From, f.To, name, l.tasks)
	}
	if err == nil {
		if e := f.Stray(l.tasks); e != nil {
			err = fmt.Errorf("frame from task %d of module %s has an event of a record of task %d, and the module has %d tasks", f.From, name, e.Root, l.tasks)
		}
	}
	if err != nil {
		h.w.config.Logger.Error("frame dropped", "from", from, "cause", err)
		return
	}
	if f.Empty() {
		l.owners.learn(f.From, from) // every new owner greets the others
	}
	if d := l.drivers[f.To].Load(); d != nil {
		d.send(&runtime.FrameIn{Frame: f})
	} else {
		h.w.link.Send(from, wire.AppendMoved(wire.AppendEnvelope(nil, name), f.To))
	}
}

// Closed tells the tasks here that those of another worker may have lost frames.
func (h handler) Closed(address string) {
	for _, l := range h.w.all() {
		l.owners.closed(address)
	}
}

// errLeaving sends who asks to the task's next owner.
var errLeaving = fmt.Errorf("the worker is stopping: %w", transport.ErrNoListener)

// Call answers a request to a task of this worker.
func (h handler) Call(ctx context.Context, _ string, request []byte) ([]byte, error) {
	q, err := wire.ParseRequest(request)
	if err != nil {
		return nil, err
	}
	l := h.w.module(q.Module)
	if l == nil {
		return nil, fmt.Errorf("no module %q on this worker; it has %s", q.Module, h.w.names())
	}
	if err := l.sensible(q); err != nil {
		return nil, err
	}
	if q.Query != nil {
		return wire.AppendQueryAnswer(nil, h.w.query(ctx, l, q.Query)), nil
	}
	if q.Prepare != nil {
		return wire.AppendPrepared(nil, l.prepare(q.Prepare)), nil
	}
	d := l.drivers[q.Task].Load()
	if d == nil {
		return wire.AppendAnswer(nil, &wire.Answer{NotOwner: true, Address: h.w.elsewhere(l.owners.address(q.Task))}), nil
	}
	if q.Release {
		l.tenure.release(ctx, d)
		return wire.AppendAnswer(nil, &wire.Answer{}), nil
	}
	if q.Setting != nil {
		if err := l.options.settled(ctx, d, q.Setting); err != nil {
			return nil, err
		}
		return wire.AppendAnswer(nil, &wire.Answer{}), nil
	}
	if q.Status {
		s, err := d.status(ctx)
		if err != nil {
			return nil, err
		}
		return wire.AppendAnswer(nil, &wire.Answer{Text: s}), nil
	}
	if q.Trees != nil {
		raw, err := h.w.trees(ctx, l, q.Trees)
		if err != nil {
			return nil, err
		}
		return wire.AppendAnswer(nil, &wire.Answer{Text: string(raw)}), nil
	}
	answer := make(chan runtime.Answer, 1)
	id := d.ask(q, func(a runtime.Answer) { answer <- a })
	select {
	case a := <-answer:
		return d.answerOf(&a)
	case <-ctx.Done():
		d.askOver(q, id)
		return nil, ctx.Err()
	case <-l.ctx.Done():
		return nil, errLeaving
	}
}

// Answer takes a question how a record ends: of those very many may be open. It implements
// transport.Answerer.
func (h handler) Answer(_ string, request []byte, answered func([]byte, error)) (drop func(), taken bool) {
	if !wire.IsAwait(request) {
		return nil, false
	}
	q, err := wire.ParseRequest(request)
	if err != nil {
		return nil, false
	}
	l := h.w.module(q.Module)
	if l == nil || l.sensible(q) != nil {
		return nil, false
	}
	d := l.drivers[q.Task].Load()
	if d == nil {
		return nil, false
	}
	id := d.ask(q, func(a runtime.Answer) { answered(d.answerOf(&a)) })
	return func() { d.askOver(q, id) }, true
}

// answerOf is what whoever asked is sent.
func (d *driver) answerOf(a *runtime.Answer) ([]byte, error) {
	if a.Kind == runtime.AnswerHalted && d.halted.Load() == nil {
		return nil, errLeaving
	}
	return wire.AppendAnswer(nil, &wire.Answer{
		Kind: uint8(a.Kind), Topology: a.Topology, Text: a.Text, Attempt: a.Attempt, WillRetry: a.WillRetry, Returns: a.Returns,
	}), nil
}

// elsewhere is an address unless it is this worker's own.
func (w *Worker) elsewhere(address string) string {
	if address == w.link.Address() {
		return ""
	}
	return address
}

// sensible reports what a request names that the module does not have.
func (l *loaded) sensible(q *wire.Request) error {
	if q.Task < 0 || int(q.Task) >= l.tasks {
		return fmt.Errorf("module %s has no task %d; it has 0 to %d", q.Module, q.Task, l.tasks-1)
	}
	if q.Await == nil {
		return nil
	}
	depot, ok := l.plan.Depot(q.Await.Depot)
	if elsewhere := l.elsewhere[q.Await.Depot]; elsewhere != nil && elsewhere.Mirror != nil {
		depot, ok = elsewhere, true
	}
	if !ok {
		return fmt.Errorf("module %s has no depot %q", q.Module, q.Await.Depot)
	}
	if n := depot.Partitions(l.tasks); int(q.Task) >= n {
		return fmt.Errorf("depot %q of module %s has no partition %d; it has 0 to %d", q.Await.Depot, q.Module, q.Task, n-1)
	}
	return nil
}
