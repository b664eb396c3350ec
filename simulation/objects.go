package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// openObjects opens the objects of an owner's task, as a driver does: it takes a while, and
// the process may be gone by then.
func (o *owner) openObjects() {
	w := o.w
	w.after(w.between(100*microsecond, 20*millisecond), func() {
		if !o.alive {
			return
		}
		done := &runtime.ObjectsOpened{}
		for _, plan := range w.plan.Objects {
			object, err := runtime.OpenObject(func() (any, error) {
				return plan.Open(context.Background(), module.ObjectPlace{Module: w.plan.Module, Task: o.id, Tasks: w.tasks})
			}, plan)
			if err != nil {
				done.Err = err
				break
			}
			o.objects = append(o.objects, object)
		}
		if done.Err != nil {
			o.closeObjects()
		} else {
			done.Objects = o.objects
		}
		o.step(done)
	})
}

// closeObjects closes them. Those of a process that dies are gone with it.
func (o *owner) closeObjects() {
	objects := o.objects
	o.objects = nil
	for i := len(objects) - 1; i >= 0; i-- {
		if err := runtime.CloseObject(objects[i], o.w.plan.Objects[i]); err != nil {
			o.w.violate("%v: %v", o, err)
		}
	}
}

// Objects is the workload of objects of tasks: every event finds that of its task, open, in
// whichever process it runs; none is closed twice.
func Objects() Workload {
	return Workload{Name: "objects", Hops: true, New: func() Case { return &objectsCase{} }}
}

// gauge is an object: it counts the events that it has seen.
type gauge struct {
	task   task.ID
	seen   int
	closed bool
}

func (g *gauge) close() error {
	if g.closed {
		return errors.New("closed twice")
	}
	g.closed = true
	return nil
}

type measured struct {
	Points module.Depot[int]
	Gauge  module.Object[*gauge]
	Amiss  pstate.Map[string, int]
	Seen   pstate.Map[int, int]
	far    module.Step[int]
}

func (m *measured) Define(b *module.Builder) {
	module.HashDepot(b, &m.Points, "points", func(n int) int { return n })
	module.DeclareObject(b, &m.Gauge, "gauge", func(_ context.Context, at module.ObjectPlace) (*gauge, error) { return &gauge{task: at.Task}, nil }, (*gauge).close)
	s := b.Stream("points")
	s.PState(&m.Amiss, "amiss")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.far, "far", module.At(&m.Seen, func(n int) int { return -n }), func(ev *module.Event, n int) error {
		m.measure(ev)
		m.Seen.Key(-n).Set(ev, 1)
		return nil
	})
	module.DeclareSource(s, m.Points, func(ev *module.Event, n int) error {
		m.measure(ev)
		m.far.Send(ev, n)
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(1000))
}

func (m *measured) measure(ev *module.Event) {
	g := m.Gauge.Of(ev)
	switch {
	case g == nil:
		agg.Inc(ev, m.Amiss.Key("missing"))
	case g.closed:
		agg.Inc(ev, m.Amiss.Key("closed"))
	case g.task != ev.Task():
		agg.Inc(ev, m.Amiss.Key("of another task"))
	default:
		g.seen++
	}
}

type objectsCase struct {
	m    measured
	last int
}

func (c *objectsCase) Module() module.Module { return &c.m }

func (c *objectsCase) Append(a module.Appender, _ *rand.Rand, number int) error {
	c.last = number
	_, err := c.m.Points.Append(context.Background(), a, number)
	return err
}

func (c *objectsCase) Acked(int, module.Acks) error { return nil }

// Check wants every record applied; checkAt, nothing amiss on any task.
func (c *objectsCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	for number := range c.last + 1 {
		if n, err := c.m.Seen.Key(-number).Get(r); err != nil || n != 1 {
			wrong = append(wrong, fmt.Errorf("record %d: %d, %v", number, n, err))
		}
	}
	return errors.Join(wrong...)
}

func (c *objectsCase) checkAt(at []pstate.Reader, _ bool) error {
	var wrong []error
	for id, r := range at {
		for _, what := range []string{"missing", "closed", "of another task"} {
			if n, err := c.m.Amiss.Key(what).Get(r); err != nil || n > 0 {
				wrong = append(wrong, fmt.Errorf("task %d: its object was %s %d times (error %v)", id, what, n, err))
			}
		}
	}
	return errors.Join(wrong...)
}
