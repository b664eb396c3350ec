package simulation

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// compile compiles a module of the run.
func (w *world) compile(m module.Module) (*module.Plan, error) {
	w.modules = append(w.modules, m)
	return module.Compile(m)
}

// forget drops what is kept of the run's own modules: it would keep the world. A user's
// is one value for all runs.
func (w *world) forget() {
	if _, users := w.workload.(*usersCase); users {
		return
	}
	for _, m := range w.modules {
		module.Forget(m)
	}
}

// install has processes that start from now on run a plan.
func (w *world) install(plan *module.Plan) {
	spread, err := plan.Spread(w.tasks, w.topicPartitions(plan))
	if err != nil {
		w.violate("%v", err)
		return
	}
	w.plan = w.observe(spread)
	w.steps = w.plan.Steps()
	w.directory = runtime.NewDirectory(w.plan, w.steps)
	if err := w.makeTopics(); err != nil {
		w.violate("%v", err)
	}
}

// startUsers has records appended: by the programs of the workload, or one by one.
func (w *world) startUsers() {
	w.visit()
	users, ok := w.workload.(Programmed)
	if !ok {
		for range w.config.Records {
			w.after(w.between(0, appending), w.appendOne)
		}
		return
	}
	n, body := users.Programs()
	if w.config.programs > 0 {
		n = w.config.programs
	}
	w.result.programs = n
	for i := range n {
		w.after(w.between(0, appending/4), func() { w.launch(i, body) })
	}
}

func (w *world) appendOne() {
	number := len(w.records)
	if err := w.workload.Append(w, w.random, number); err != nil {
		w.violate("append %d: %v", number, err)
	}
}
