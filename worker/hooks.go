package worker

import (
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Hooks let a test kit take part in what the tasks of a worker do. They are made for
// tests: nothing in production needs them. Any field may be nil. Hooks that several
// workers share are called concurrently.
type Hooks struct {
	// Began is called when the worker begins to run a task, before it takes the slot.
	// What it sends to the owner is taken first.
	Began func(*Owner)
	// Stepped is called after the task has taken the inputs that had come, and its
	// effects were handed on. It runs where the handlers run, and holds them up.
	Stepped func(*Owner)
	// Ended is called when the worker runs the task no longer. crashed: by CrashAt;
	// another owner begins when Ended returns.
	Ended func(o *Owner, crashed bool)
}

// Owner is a worker's running of one task, from Began to Ended.
type Owner struct {
	Module  string
	Task    task.ID
	Address string // of the worker

	d *driver
}

// Send hands the task an input: runtime.Hold, runtime.CrashAt and their like. It never
// waits. After Ended it does nothing.
func (o *Owner) Send(in runtime.Input) { o.d.send(in) }

// Status counts what the task is at, or was when it ended. It may be called inside of
// Stepped and Ended alone.
func (o *Owner) Status() runtime.Status { return o.d.engine.Status() }

// began, stepped and ended tell the hooks.

func (d *driver) began() {
	if h := d.w.config.Hooks; h != nil && h.Began != nil {
		h.Began(d.owner)
	}
}

func (d *driver) stepped() {
	if h := d.w.config.Hooks; h != nil && h.Stepped != nil {
		h.Stepped(d.owner)
	}
}

func (d *driver) ended() {
	if h := d.w.config.Hooks; h != nil && h.Ended != nil {
		h.Ended(d.owner, d.crashed)
	}
}
