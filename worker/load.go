package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// loaded is a module on this worker.
type loaded struct {
	plan    *module.Plan
	tasks   int
	topics  map[string]depot.Topic // by depot
	drivers []*driver              // by task; nil for those of other workers
	owners  []string               // address by task
	steps   []*module.StepPlan
}

// load checks a module, makes its topics and notes its plan where clients find
// it.
func (w *Worker) load(ctx context.Context, m module.Module) (*loaded, error) {
	plan, err := module.Compile(m)
	if err != nil {
		return nil, err
	}
	l := &loaded{plan: plan, tasks: w.config.Tasks, topics: map[string]depot.Topic{}, steps: plan.Steps()}
	for _, d := range plan.Depots {
		topic, err := w.config.Log.Ensure(ctx, depot.TopicSpec{Module: plan.Module, Depot: d.Name, Partitions: d.Partitions(l.tasks)})
		if err != nil {
			return nil, fmt.Errorf("module %s, depot %s: %w", plan.Module, d.Name, err)
		}
		l.topics[d.Name] = topic
	}
	if err := w.register(ctx, l); err != nil {
		return nil, fmt.Errorf("module %s: noting its plan: %w", plan.Module, err)
	}
	l.drivers, l.owners = make([]*driver, l.tasks), make([]string, l.tasks)
	for i := range l.tasks {
		l.owners[i] = w.link.Address()
		if w.config.Assign != nil {
			l.owners[i] = w.config.Assign(plan.Module, task.ID(i))
		}
	}
	return l, nil
}

// register writes the plan into the module's meta topic, unless it stands there.
func (w *Worker) register(ctx context.Context, l *loaded) error {
	entry, err := json.Marshal(module.Registration{Version: 1, Tasks: l.tasks, Plan: l.plan})
	if err != nil {
		return err
	}
	meta, err := w.config.Log.Meta(ctx, l.plan.Module)
	if err != nil {
		return err
	}
	if string(meta[module.RegistrationKey]) == string(entry) {
		return nil
	}
	return w.config.Log.PutMeta(ctx, l.plan.Module, module.RegistrationKey, entry)
}

// resolveStarts finds where new sources begin.
func (w *Worker) resolveStarts(d *driver, queries []runtime.StartQuery) {
	w.background.Go(func() {
		starts := make([]runtime.Started, len(queries))
		var failure error
		for i, q := range queries {
			topic := d.loaded.topics[q.Depot]
			starts[i].Topic = topic.ID
			start, end, err := w.config.Log.Bounds(w.ctx, topic.Name, int32(d.id))
			switch q.Start.Kind {
			case module.StartBeginning:
				starts[i].Offset = start
			case module.StartEnd:
				starts[i].Offset = end
			case module.StartAfter:
				starts[i].Offset, err = w.config.Log.OffsetAfter(w.ctx, topic.Name, int32(d.id), q.Start.After)
			}
			if err != nil {
				failure = fmt.Errorf("depot %s partition %d: %w", q.Depot, d.id, err)
				break
			}
		}
		d.send(&runtime.StartsDone{Starts: starts, Err: failure})
	})
}
