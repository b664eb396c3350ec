package module

import (
	"fmt"
	"reflect"

	public "github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Step is the handle of a step: a handler that other handlers send events to.
type Step[T any] struct{ s *stepDecl[T] }

type stepDecl[T any] struct {
	plan  *StepPlan
	codec codec.Codec[T]
	place func(h *host.Event, v T) task.ID
}

// DeclareStep declares a step of a topology: f runs for each event sent to it, on
// the task that the placement says. It fills *step, so that handlers written as
// methods may send to any step, also to their own. What hops to it is carried as JSON
// unless an option chooses another codec (Codec, Text).
func DeclareStep[T any](of Topology, step *Step[T], name string, at Placement[T], f func(*Event, T) error, options ...StepOption) {
	s := of.topology()
	thing := s.b.declare("step", name, step)
	var chosen stepOptions
	for i, o := range options {
		if o == nil {
			s.b.mistake(thing, fmt.Sprintf("its option %d is nil", i), "leave it out")
			continue
		}
		o.stepOption(&chosen)
	}
	c, err := codec.Choose[T](chosen.codecs)
	if err != nil {
		s.b.mistake(thing, err.Error(), "what a hop carries must survive a process boundary")
	}
	if f == nil {
		s.b.mistake(thing, "has no handler", "pass a func(*module.Event, "+typeName[T]()+") error")
	}
	if at.place == nil {
		s.b.mistake(thing, "has no placement", "say where it runs: At, ByHash, Shuffle, Stay, Global or Custom")
	}
	decl := &stepDecl[T]{codec: c, place: at.place}
	decl.plan = &StepPlan{
		ID: uint16(s.b.steps), Name: name, Type: typeName[T](), Topology: s.plan.Name, stream: s.plan.ID,
		NewColumn: func(encode bool) wire.Column { return wire.NewColumn(&decl.codec, encode) },
		Run: func(ev *Event, column wire.Column, i int) error {
			v, err := column.(*wire.ColumnOf[T]).Get(i)
			if err != nil {
				return Park(fmt.Errorf("step %q: payload does not decode: %w", name, err))
			}
			return f(ev, v)
		},
		Decodes: func(raw []byte) error {
			var v T
			if err := decl.codec.Decode(raw, &v); err != nil {
				return fmt.Errorf("it does not decode as %s: %w", typeName[T](), err)
			}
			return nil
		},
	}
	decl.plan.FormerNames = chosen.formerNames
	for _, former := range decl.plan.FormerNames {
		s.b.declare("step", former, nil)
	}
	if c.Name != "json" {
		decl.plan.Codec = c.Name
	}
	s.b.countStep(thing)
	s.b.check(func() {
		if at.check != nil {
			if text, mend := at.check(s); text != "" {
				s.b.mistake(thing, text, mend)
			}
		}
		if at.describe != nil {
			decl.plan.Placement = at.describe()
		}
	})
	s.plan.Steps = append(s.plan.Steps, decl.plan)
	fill(step, Step[T]{decl})
}

// StepOption changes a step: FormerName, Codec, Text.
type StepOption interface{ stepOption(*stepOptions) }

// stepOptions are what the options of a step come to.
type stepOptions struct {
	formerNames []string
	codecs      []public.Codec
}

type formerName string

func (f formerName) stepOption(o *stepOptions) { o.formerNames = append(o.formerNames, string(f)) }

// FormerName lets a step take events that are under way to a step of another name:
// one that was renamed, or that it takes the place of. In an exactly-once stream such
// events outlive an update of the module; without a step for them their task halts.
// The payload must still decode.
func FormerName(name string) StepOption { return formerName(name) }

// countStep takes the number of the step that was just declared.
func (b *Builder) countStep(thing string) {
	b.steps++
	if b.steps > stepsMax {
		b.mistake(thing, fmt.Sprintf("is one step too many: a module has at most %d", stepsMax), "split the module")
	}
}

// stepsMax bounds the steps of a module: they are numbered in 16 bits, and each
// costs a pointer per frame.
const stepsMax = 1024

// Send is the hop: it sends an event to the step, on the task that the step's
// placement says. It leaves when what this event wrote is committed
// (promise 3x.05); events from one task to another keep their order
// (promise 0.12).
func (s Step[T]) Send(ev *Event, v T) {
	if h := s.sendable(ev); h != nil {
		s.hop(h, s.s.place(h, v), v)
	}
}

// SendTo sends an event to the step on a chosen task, whatever the step's
// placement says (promise 10.05). A task that the module does not have fails the
// event. To the sender's own task it is a boundary without a move: what was
// written before is committed first (promise 3x.08).
func (s Step[T]) SendTo(ev *Event, to task.ID, v T) {
	h := s.sendable(ev)
	if h == nil {
		return
	}
	if to < 0 || int(to) >= h.Tasks {
		h.Fail("hop to step %q: there is no task %d; the module has 0 to %d", s.s.plan.Name, to, h.Tasks-1)
		return
	}
	s.hop(h, to, v)
}

// SendAll sends an event to the step on every task of the module
// (promise 10.02).
func (s Step[T]) SendAll(ev *Event, v T) {
	h := s.sendable(ev)
	if h == nil {
		return
	}
	for to := range h.Tasks {
		s.hop(h, task.ID(to), v)
	}
}

// sendable checks that the event may hop to the step.
func (s Step[T]) sendable(ev *Event) *host.Event {
	h := &ev.host
	if s.s == nil {
		h.Fail("hop to a step that was never declared: declare it with module.DeclareStep")
		return nil
	}
	if s.s.plan.stream != h.Topology {
		h.Fail("hop to step %q of stream %q from an event of another stream", s.s.plan.Name, s.s.plan.Topology)
		return nil
	}
	return h
}

func (s Step[T]) hop(h *host.Event, to task.ID, v T) {
	column := h.Column(s.s.plan.ID, to, s.s.plan.NewColumn).(*wire.ColumnOf[T])
	if err := column.Put(v); err != nil {
		h.Fail("hop to step %q: payload does not encode: %w", s.s.plan.Name, err)
		return
	}
	h.Hop(s.s.plan.ID, to, column)
}

// PlanOf returns the plan of a step; nil before it is declared. For the simulator.
func PlanOf[T any](s Step[T]) *StepPlan {
	if s.s == nil {
		return nil
	}
	return s.s.plan
}

func typeName[T any]() string { return reflect.TypeFor[T]().String() }
