package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
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
	ctx        context.Context // ends when the module stops here
	cancel     context.CancelCauseFunc
	background sync.WaitGroup

	plan     *module.Plan // spread over the topics of others that it reads
	tasks    int
	topics   map[string]depot.Topic         // by depot
	readings map[string]module.TopicReading // by topology/source
	sinks    sinks
	drivers  []atomic.Pointer[driver] // by task; nil for those of other workers
	owners   *directory
	tenure   *ownership
	steps    []*module.StepPlan
	handlers *runtime.Handlers
	slots    []store.Slot        // by task
	foreign  map[string]*foreign // modules that it mirrors something of
	// elsewhere are depots of other modules, and topics of others, that it reads, by the names
	// that those have here.
	elsewhere map[string]*module.DepotPlan
	feeds     []*feeds // by strand; two, and two more where there are microbatches
	committed []*feeds // the same for topics of others, whose transactions count; none where there are no such topics
	starts    *starter
	options   *dynamic
	lacks     atomic.Pointer[string] // what the store lacks for the durability level; nil: nothing
}

// load checks a module, makes its topics and notes its plan where clients find
// it.
func (w *Worker) load(ctx context.Context, m module.Module) (*loaded, error) {
	plan, err := module.Compile(m)
	if err != nil {
		return nil, err
	}
	l := &loaded{plan: plan, tasks: w.config.Tasks, topics: map[string]depot.Topic{}, steps: plan.Steps(), slots: slotsOf(plan.Module, w.config.Tasks), foreign: map[string]*foreign{}, elsewhere: map[string]*module.DepotPlan{}}
	facts, err := w.config.Log.Meta(ctx, plan.Module)
	if err != nil {
		return nil, fmt.Errorf("module %s: reading what is noted of it: %w", plan.Module, err)
	}
	if err := l.deploy(ctx, w); err != nil {
		return nil, err
	}
	entry, err := l.registration(ctx, w, facts)
	if err != nil {
		return nil, err
	}
	if err := l.readTopics(ctx, w, entry); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(entry)
	if err != nil {
		return nil, err
	}
	if before, ok := facts[module.RegistrationKey]; ok && string(before) != string(raw) {
		if err := w.checkDependents(ctx, plan); err != nil {
			return nil, err
		}
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
	if string(facts[module.RegistrationKey]) != string(raw) {
		if err := w.config.Log.PutMeta(ctx, plan.Module, module.RegistrationKey, raw); err != nil {
			return nil, fmt.Errorf("module %s: noting its plan: %w", plan.Module, err)
		}
	}
	l.ctx, l.cancel = context.WithCancelCause(w.ctx)
	l.handlers = runtime.NewHandlers(l.plan)
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
// (*module.ChangedError), and one that leaves undone what that had decided
// (*module.UnappliedError).
func (l *loaded) registration(ctx context.Context, w *Worker, facts map[string][]byte) (*module.Registration, error) {
	now := &module.Registration{Version: 1, Tasks: l.tasks, Plan: l.plan}
	before, err := registrationOf(l.plan.Module, facts)
	if err == nil && before == nil {
		before, err = module.ReadRegistration(l.plan.Module, facts[module.RemovedKey])
	}
	if err != nil {
		return nil, err
	}
	if before != nil {
		if err := l.plan.Accepts(before); err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
		now.Former, now.Topics = l.plan.Former(before), before.Topics
		if err := l.migrated(ctx, w, before); err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
		if err := l.appliedAll(ctx, w, before); err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
		l.plan = l.plan.Remember(before)
		now.Plan = l.plan
	}
	return now, nil
}

// migrated looks whether the migrations are done that this version leaves out.
// Errors: *module.UnfinishedError.
func (l *loaded) migrated(ctx context.Context, w *Worker, before *module.Registration) error {
	for _, old := range l.plan.Ended(before) {
		name := old.Name
		e := &module.UnfinishedError{Module: l.plan.Module, PState: name, Migration: old.MigrationID()}
		for id, slot := range l.slots {
			reads := []store.Read{{Kind: store.Get, Table: wire.MigrationsTable(slot.Tag), Field: name}}
			if _, err := w.config.Store.Read(ctx, slot, reads); err != nil {
				return fmt.Errorf("module %s: looking how far PState %s is: %w", l.plan.Module, name, err)
			}
			var m wire.Migration
			if reads[0].Found {
				var err error
				if m, err = wire.ParseMigration(reads[0].Value); err != nil {
					return fmt.Errorf("module %s, PState %s: %w", l.plan.Module, name, err)
				}
			}
			if !(old.Global && id > 0) && !(m.Done && m.ID == e.Migration) {
				e.Tasks = append(e.Tasks, id)
			}
		}
		if len(e.Tasks) > 0 {
			return e
		}
	}
	return nil
}
