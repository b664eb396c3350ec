package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Update is the workload of a module that gets another version while it runs, with a
// source more beside the one that it had, and a stream more: the old source goes on
// where it was, the new ones begin at the beginning. None of the records hop.
func Update() Workload {
	return Workload{Name: "update", New: func() Case { return &updateCase{} }}
}

type version struct {
	Items module.Depot[int]
	Done  [3]pstate.Map[int, int] // by record; the last two only in the second version
	newer bool
}

func (m *version) ModuleName() string { return "Update" }

func (m *version) Define(b *module.Builder) {
	module.HashDepot(b, &m.Items, "items", func(n int) int { return n })
	once := func(i int) func(*module.Event, int) error {
		return func(ev *module.Event, n int) error {
			m.Done[i].Key(n).Update(ev, func(n int) int { return n + 1 })
			return nil
		}
	}
	s := b.Stream("old")
	s.PState(&m.Done[0], "done0")
	if m.newer {
		s.PState(&m.Done[1], "done1")
	}
	module.DeclareSource(s, m.Items, once(0), module.StartFromBeginning())
	if !m.newer {
		return
	}
	module.DeclareSource(s, m.Items, once(1), module.SourceID("more"), module.StartFromBeginning())
	other := b.Stream("new")
	other.PState(&m.Done[2], "done2")
	module.DeclareSource(other, m.Items, once(2), module.StartFromBeginning())
}

type updateCase struct {
	before version
	after  version
	count  int
}

func (c *updateCase) Module() module.Module { return &c.before }

// next is the version that the module gets.
func (c *updateCase) next() module.Module {
	c.after.newer = true
	return &c.after
}

func (c *updateCase) Append(a module.Appender, _ *rand.Rand, number int) error {
	c.count = number + 1
	_, err := c.before.Items.Append(context.Background(), a, number)
	return err
}

func (c *updateCase) Acked(int, module.Acks) error { return nil }

func (c *updateCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	for number := range c.count {
		for i := range c.after.Done {
			if n, err := c.after.Done[i].Key(number).Get(r); err != nil || n != 1 {
				wrong = append(wrong, fmt.Errorf("source %d applied record %d %d times (error %v)", i, number, n, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// updatePause is how long the processes of the former version have to finish.
const updatePause = 500 * millisecond

// update has all processes finish, ends them, and starts others with another version
// of the module.
func (w *world) update(m module.Module) {
	w.tracef("UPDATE")
	for _, o := range w.owners {
		if o != nil {
			o.step(&runtime.Finish{})
		}
	}
	w.after(updatePause, func() { w.replace(m) })
}

func (w *world) replace(m module.Module) {
	plan, err := w.compile(m)
	if err != nil {
		w.violate("%v", err)
		return
	}
	w.tracef("the former version ends")
	for _, o := range w.everyone {
		if o.alive {
			o.crash()
			w.breakLines(o, nil)
		}
	}
	w.install(plan)
	for i := range w.tasks {
		w.hire(task.ID(i))
	}
}
