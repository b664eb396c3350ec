package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/module"
)

// A worker runs any number of modules. Each has tasks, readers, and a place among the
// workers of its own: what halts a task, or holds it up, concerns no other module; they
// share the process's memory and cores, and the worker's address.

// ErrNoModule: the module does not run on this worker.
var ErrNoModule = errors.New("the module does not run on this worker")

// StartModule starts one more module, and returns when its tasks run. ctx and
// Config.StartTimeout bound the start. Errors are those of Start; where it fails nothing of the
// module runs here, and the others go on.
func (w *Worker) StartModule(ctx context.Context, m module.Module) error {
	ctx, cancel := context.WithTimeout(ctx, w.config.StartTimeout)
	defer cancel()
	if w.ctx.Err() != nil {
		return ErrStopped
	}
	plan, err := module.Compile(m)
	if err != nil {
		return err
	}
	if w.module(plan.Module) != nil {
		return fmt.Errorf("worker: module %s runs here already", plan.Module)
	}
	l, err := w.prepare(ctx, m)
	if err == nil {
		err = w.begin(ctx, l)
	}
	if err == nil {
		var all []*driver
		l.each(func(d *driver) { all = append(all, d) })
		err = awaitReady(ctx, all)
	}
	if err != nil && l != nil {
		w.forget(l)
		l.close()
	}
	return err
}

// StopModule ends one module in good order, as Stop does with all: the others go on.
// Modules that mirror it read what it has committed, and its depots. Errors: ErrNoModule.
func (w *Worker) StopModule(ctx context.Context, name string) error {
	l := w.module(name)
	if l == nil {
		return fmt.Errorf("module %q: %w; it has %s", name, ErrNoModule, w.names())
	}
	l.tenure.leave(ctx, true)
	w.forget(l)
	l.close()
	return nil
}

// forget takes a module off the list: what comes for it is not for this worker.
func (w *Worker) forget(l *loaded) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.modules[l.plan.Module] == l {
		delete(w.modules, l.plan.Module)
	}
}

// close ends at once what the module does here.
func (l *loaded) close() {
	l.cancel(ErrStopped)
	l.tenure.close()
	l.background.Wait()
	for _, f := range slices.Concat(l.feeds, l.committed) {
		_ = f.reader.Close()
	}
}
