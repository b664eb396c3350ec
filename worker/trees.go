package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
)

// silenceTimeout is how long a task has for saying what it knows of a tree. One that runs
// a handler longer than that is told of as held up by it.
const silenceTimeout = 250 * time.Millisecond

// trees asks all tasks of the module that run here what they know of event trees.
func (w *Worker) trees(ctx context.Context, l *loaded, raw []byte) ([]byte, error) {
	var q eventtree.Query
	if err := json.Unmarshal(raw, &q); err != nil {
		return nil, fmt.Errorf("the question about event trees does not parse: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, silenceTimeout)
	defer cancel()
	parts := make([]*eventtree.Part, l.tasks)
	var group sync.WaitGroup
	l.each(func(d *driver) {
		if q.Drawn { // the worker has them, and no task is held up
			parts[d.id] = &eventtree.Part{Task: d.id, Worker: w.link.Address()}
			return
		}
		group.Go(func() { parts[d.id] = d.trees(ctx, q) })
	})
	group.Wait()
	kept := w.kept.Part(l.plan.Module, w.link.Address(), &q)
	all := []*eventtree.Part{&kept}
	for _, p := range parts {
		if p != nil {
			all = append(all, p)
		}
	}
	return json.Marshal(all)
}

// trees is what the task knows; where it does not answer in time, what is seen from outside
// of it.
func (d *driver) trees(ctx context.Context, q eventtree.Query) *eventtree.Part {
	q.Zero = d.zero()
	answered := make(chan eventtree.Part, 1)
	d.mail.put(message{call: func() {
		if ctx.Err() == nil {
			answered <- d.engine.Trees(q)
		}
	}})
	select {
	case p := <-answered:
		return &p
	case <-ctx.Done():
	case <-d.loaded.ctx.Done():
	}
	return d.fromOutside(&q)
}

// fromOutside is what is seen of a task that does not answer: which handler holds it up,
// and what waits in its mailbox.
func (d *driver) fromOutside(q *eventtree.Query) *eventtree.Part {
	p := &eventtree.Part{Task: d.id, Worker: d.w.link.Address(), Silent: true}
	if h, ok := d.running(); ok {
		p.Handler = &h
	}
	for _, t := range d.loaded.plan.Streams {
		for _, s := range t.Sources {
			tree := eventtree.Tree{
				Record:   eventtree.Record{Module: d.loaded.plan.Module, Depot: s.Depot.Name, Partition: d.id, Offset: q.Offset},
				Topology: t.Name, Source: s.Name, Task: d.id, Worker: p.Worker, State: eventtree.Silent,
				Waits: "its task, which does not answer",
			}
			switch h := p.Handler; {
			case q.List == 0 && q.Partition == d.id && s.Depot.Name == q.Depot:
				p.Trees = append(p.Trees, tree)
			case q.List > 0 && h != nil && h.Record.Partition == d.id && h.Topology == t.Name && h.Source == s.Name:
				tree.Offset, tree.Since, tree.Attempt = h.Record.Offset, h.Since, h.Attempt
				p.Trees = append(p.Trees, tree)
			}
		}
	}
	if q.List == 0 {
		d.mail.look(func(in runtime.Input) {
			if f, ok := in.(*runtime.FrameIn); ok {
				p.Events = append(p.Events, d.loaded.handlers.Waiting(q, f.Frame)...)
			}
		})
		for i := range p.Events {
			p.Events[i].Worker, p.Events[i].Waits = p.Worker, "its task, which does not answer"
		}
	}
	return p
}

// zero is the time of day at which the task's own time was 0.
func (d *driver) zero() time.Time { return d.w.now().Add(-time.Duration(d.now())) }

// running is the handler that runs on the task, seen from outside of it. ok is false where
// none does, or where they go by too fast to be seen.
func (d *driver) running() (h eventtree.Handler, ok bool) {
	h, since, ok := d.watch.Handler(d.loaded.handlers)
	if !ok {
		return h, false
	}
	h.Task, h.Worker, h.Since = d.id, d.w.link.Address(), d.zero().Add(time.Duration(since))
	if h.Root {
		h.Record.Partition = d.id
	}
	return h, true
}
