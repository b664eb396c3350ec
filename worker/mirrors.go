package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// foreign is a module that a module of this worker mirrors something of. It may run on this
// worker, too, or on others. How many tasks it has never changes.
type foreign struct {
	name  string
	slots []store.Slot // by task
	at    atomic.Pointer[string]
	turn  atomic.Uint64
}

func newForeign(r *module.Registration) *foreign {
	return &foreign{name: r.Plan.Module, slots: slotsOf(r.Plan.Module, r.Tasks)}
}

// slotsOf are the slots of a module, by task.
func slotsOf(name string, tasks int) []store.Slot {
	slots := make([]store.Slot, tasks)
	for id := range slots {
		slots[id] = wire.Slot(task.Tag(name, task.ID(id), tasks))
	}
	return slots
}

// registered is what a module has noted of itself; nil: it was never launched.
func (w *Worker) registered(ctx context.Context, name string) (*module.Registration, error) {
	facts, err := w.config.Log.Meta(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading what is noted of module %s: %w", name, err)
	}
	return registrationOf(name, facts)
}

func registrationOf(name string, facts map[string][]byte) (*module.Registration, error) {
	return module.ReadRegistration(name, facts[module.RegistrationKey])
}

// deploy finds what the module mirrors, and gives the sources of mirrored depots the
// partitions that are there. Errors: *module.DependencyError.
func (l *loaded) deploy(ctx context.Context, w *Worker) error {
	plan, err := l.plan.Deploy(l.tasks, func(name string) (*module.Registration, error) {
		r, err := w.registered(ctx, name)
		if err == nil && r != nil {
			l.foreign[name] = newForeign(r)
		}
		return r, err
	})
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	l.plan = plan
	for _, s := range plan.Streams {
		for _, source := range s.Sources {
			if source.Depot.Mirror == nil {
				continue
			}
			of, name := source.Depot.Home(plan.Module)
			topic, err := w.config.Log.Lookup(ctx, depot.TopicName(of, name))
			if err != nil {
				return fmt.Errorf("module %s mirrors depot %s of module %s: %w", plan.Module, name, of, err)
			}
			l.topics[source.Depot.Name] = topic
			l.elsewhere[source.Depot.Name] = source.Depot
		}
	}
	return nil
}

// partition is the partition of a depot's topic that a task reads.
func (l *loaded) partition(name string, id task.ID) int32 {
	if d := l.elsewhere[name]; d != nil {
		p, _ := d.Partition(id, l.tasks)
		return p
	}
	return int32(id)
}

// checkDependents refuses a new version of a module without which others do not find what
// they mirror. Errors: *module.DependentsError.
func (w *Worker) checkDependents(ctx context.Context, plan *module.Plan) error {
	names, err := w.config.Log.Modules(ctx)
	if err != nil {
		return fmt.Errorf("module %s: listing the modules that may mirror it: %w", plan.Module, err)
	}
	e := &module.DependentsError{Module: plan.Module}
	for _, name := range names {
		if name == plan.Module {
			continue
		}
		r, err := w.registered(ctx, name)
		if unreadable := (*module.RegistrationError)(nil); errors.As(err, &unreadable) {
			// It does not run, so that it loses nothing now.
			w.config.Logger.Warn("a module that cannot be read was not asked what it mirrors", "launched", plan.Module, "error", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("module %s: %w", plan.Module, err)
		}
		if r == nil {
			continue
		}
		if lost := r.Plan.Lacks(plan.Module, plan); len(lost) > 0 {
			e.Dependents = append(e.Dependents, module.Dependent{Module: name, Mistakes: lost})
		}
	}
	if len(e.Dependents) > 0 {
		return fmt.Errorf("worker: %w", e)
	}
	return nil
}

// inOrder puts modules that are launched together behind those of them that they mirror. Of
// modules that mirror each other the first to be launched says what it lacks.
func inOrder(modules []module.Module) ([]module.Module, error) {
	rest := make(map[module.Module][]string, len(modules))
	names := map[string]bool{}
	for _, m := range modules {
		plan, err := module.Compile(m)
		if err != nil {
			return nil, err
		}
		if names[plan.Module] {
			return nil, fmt.Errorf("worker: two modules are named %s", plan.Module)
		}
		rest[m], names[plan.Module] = plan.MirrorsOf(), true
	}
	var ordered []module.Module
	left := slices.Clone(modules)
	for len(left) > 0 {
		next := max(0, slices.IndexFunc(left, func(m module.Module) bool {
			return !slices.ContainsFunc(rest[m], func(of string) bool { return names[of] })
		}))
		ordered = append(ordered, left[next])
		delete(names, module.NameOf(left[next]))
		left = slices.Delete(left, next, next+1)
	}
	return ordered, nil
}

// SendQuestion asks a query of a module that this one mirrors: here, if a worker of that one
// is here, else one of its other workers. Errors: *module.QueryError.
func (v *views) SendQuestion(ctx context.Context, q module.Question) ([]byte, error) {
	f := v.l.foreign[q.Module]
	if f == nil {
		return nil, fmt.Errorf("query %s.%s: module %s does not mirror it", q.Module, q.Query, v.l.plan.Module)
	}
	request := &wire.QueryRequest{Name: q.Query, Argument: q.Argument}
	if l := v.w.module(q.Module); l != nil {
		return q.Answer(wire.AppendQueryAnswer(nil, v.w.query(ctx, l, request)))
	}
	var last error
	for range len(f.slots) + 1 { // the worker that answered last, and the owners of all tasks
		raw, err := v.askForeign(ctx, f, request)
		if err == nil {
			return q.Answer(raw)
		}
		if last = err; ctx.Err() != nil || !errors.Is(err, transport.ErrNoListener) {
			break
		}
	}
	return nil, fmt.Errorf("query %s.%s: %w", q.Module, q.Query, last)
}

// askForeign asks the worker that answered last, or the owner of the next task.
func (v *views) askForeign(ctx context.Context, f *foreign, request *wire.QueryRequest) ([]byte, error) {
	id := task.ID(f.turn.Load() % uint64(len(f.slots)))
	address := f.at.Load()
	if address == nil {
		reads := [1]store.Read{{Kind: store.Len, Table: wire.ParkedTable(f.slots[id].Tag)}}
		head, err := v.w.config.Store.Read(ctx, f.slots[id], reads[:])
		if err != nil {
			return nil, fmt.Errorf("finding the owner of task %d: %w", id, err)
		}
		if head.Address == "" {
			f.turn.Add(1)
			return nil, fmt.Errorf("task %d has no owner: %w", id, transport.ErrNoListener)
		}
		address = &head.Address
		f.at.Store(address)
	}
	raw, err := v.w.link.Call(ctx, *address, wire.AppendRequest(nil, &wire.Request{Module: f.name, Task: id, Query: request}))
	if err != nil {
		f.at.CompareAndSwap(address, nil)
		f.turn.Add(1)
		return nil, fmt.Errorf("asking worker %s: %w", *address, err)
	}
	return raw, nil
}
