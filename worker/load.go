package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// loaded is a module on this worker.
type loaded struct {
	plan     *module.Plan
	tasks    int
	topics   map[string]depot.Topic // by depot
	sinks    sinks
	drivers  []atomic.Pointer[driver] // by task; nil for those of other workers
	owners   *directory
	tenure   *ownership
	steps    []*module.StepPlan
	handlers *runtime.Handlers
	slots    []store.Slot // by task
	starts   *starter
	options  *dynamic
	lacks    atomic.Pointer[string] // what the store lacks for the durability level; nil: nothing
}

// load checks a module, makes its topics and notes its plan where clients find
// it.
func (w *Worker) load(ctx context.Context, m module.Module) (*loaded, error) {
	plan, err := module.Compile(m)
	if err != nil {
		return nil, err
	}
	l := &loaded{plan: plan, tasks: w.config.Tasks, topics: map[string]depot.Topic{}, steps: plan.Steps(), slots: make([]store.Slot, w.config.Tasks)}
	for id := range l.slots {
		l.slots[id] = wire.Slot(task.Tag(plan.Module, task.ID(id), l.tasks))
	}
	facts, err := w.config.Log.Meta(ctx, plan.Module)
	if err != nil {
		return nil, fmt.Errorf("module %s: reading what is noted of it: %w", plan.Module, err)
	}
	entry, err := l.registration(facts)
	if err != nil {
		return nil, err
	}
	for _, d := range plan.Depots {
		if d.PeriodMillis > 0 {
			continue // ticks have no topic
		}
		topic, err := w.config.Log.Ensure(ctx, depot.TopicSpec{Module: plan.Module, Depot: d.Name, Partitions: d.Partitions(l.tasks)})
		if err != nil {
			return nil, fmt.Errorf("module %s, depot %s: %w", plan.Module, d.Name, err)
		}
		l.topics[d.Name] = topic
	}
	for _, t := range plan.Topics {
		if _, err := l.topicPartition(w, t.Name, nil, 0); err != nil {
			return nil, fmt.Errorf("module %s writes to topic %s: %w", plan.Module, t.Name, err)
		}
	}
	if string(facts[module.RegistrationKey]) != string(entry) {
		if err := w.config.Log.PutMeta(ctx, plan.Module, module.RegistrationKey, entry); err != nil {
			return nil, fmt.Errorf("module %s: noting its plan: %w", plan.Module, err)
		}
	}
	l.handlers = runtime.NewHandlers(plan)
	l.starts = &starter{w: w, l: l, noted: map[task.ID]bool{}}
	l.options = newDynamic(w, l, facts)
	l.drivers = make([]atomic.Pointer[driver], l.tasks)
	l.owners, l.tenure = newDirectory(w, l), newOwnership(w, l)
	return l, nil
}

// each visits the tasks that run here.
func (l *loaded) each(visit func(*driver)) {
	for i := range l.drivers {
		if d := l.drivers[i].Load(); d != nil {
			visit(d)
		}
	}
}

// registration is what the module's meta topic will say of its plan. A plan that would
// not find or read what the version before it stored is refused
// (*module.ChangedError).
func (l *loaded) registration(facts map[string][]byte) ([]byte, error) {
	now := module.Registration{Version: 1, Tasks: l.tasks, Plan: l.plan}
	if raw, ok := facts[module.RegistrationKey]; ok {
		var before module.Registration
		if err := json.Unmarshal(raw, &before); err != nil || before.Plan == nil {
			return nil, fmt.Errorf("module %s: the note of its plan does not decode: %w", l.plan.Module, err)
		}
		if err := l.plan.Accepts(&before); err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
		now.Former = l.plan.Former(&before)
	}
	return json.Marshal(now)
}
