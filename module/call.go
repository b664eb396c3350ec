package module

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	public "github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
)

// Call is the handle of a call to the outside: to another service, a database, a
// mailer. It is declared, because what is to be called, and with what, has to outlive
// a crash.
type Call[In any] struct{ c *callDecl[In] }

type callDecl[In any] struct {
	plan  *StepPlan
	codec codec.Codec[In]
}

// DeclareCall declares a call to the outside. f runs beside the task, which goes on
// meanwhile; what it returns goes as an event to the step *then, or nowhere where then
// is nil. The record is not done before.
//
// f may run more than once for one Start, also at two workers at a time: after a crash,
// or when its task moves. CallID is the same each time, for a callee that can tell a
// repeated request. An error of f fails the event: the record is tried again from its
// root, in an exactly-once stream the call alone, up to the source's MaxAttempts;
// Reject and Park end it. The context ends with the task's ownership.
func DeclareCall[In, Out any](s *Stream, c *Call[In], name string, f func(context.Context, In) (Out, error), then *Step[Out]) {
	thing := declareCall(s, c, name, f, func(ev *Event, result Out) error {
		if then != nil {
			then.Send(ev, result)
		}
		return nil
	})
	if then != nil {
		s.b.check(func() {
			if then.s == nil || then.s.plan.stream != s.plan.ID {
				s.b.mistake(thing, "sends its result to a step that this stream does not declare", "declare the step that then points to: module.DeclareStep")
			}
		})
	}
}

// declareCall declares a call whose result called takes.
func declareCall[In, Out any](s *Stream, c *Call[In], name string, f func(context.Context, In) (Out, error), called func(*Event, Out) error, codecs ...public.Codec) (thing string) {
	thing = s.b.declare("step", name, c)
	in, err := codec.Choose[In](codecs)
	if err != nil {
		s.b.mistake(thing, err.Error(), "what a call is made with must survive a crash")
	}
	out, err := codec.Choose[Out](codecs)
	if err != nil {
		s.b.mistake(thing, err.Error(), "what a call returns must survive a process boundary")
	}
	if f == nil {
		s.b.mistake(thing, "has no function", "pass a func(context.Context, "+typeName[In]()+") ("+typeName[Out]()+", error)")
	}
	decl := &callDecl[In]{codec: in}
	decl.plan = &StepPlan{
		ID: uint16(s.b.steps), Name: name, Type: typeName[In](), Placement: "outside, " + typeName[Out]() + " comes back", Outside: true,
		Topology: s.plan.Name, stream: s.plan.ID,
		NewColumn: func(encode bool) wire.Column { return wire.NewColumn(&decl.codec, encode) },
		Call: func(ctx context.Context, column wire.Column, i int) ([]byte, error) {
			v, err := column.(*wire.ColumnOf[In]).Get(i)
			if err != nil {
				return nil, Park(fmt.Errorf("call %q: input does not decode: %w", name, err))
			}
			result, err := f(ctx, v)
			if err != nil {
				return nil, err
			}
			raw, err := out.Append(nil, &result)
			if err != nil {
				return nil, Park(fmt.Errorf("call %q: result does not encode: %w", name, err))
			}
			return raw, nil
		},
		Called: func(ev *Event, raw []byte) error {
			var result Out
			if err := out.Decode(raw, &result); err != nil {
				return Park(fmt.Errorf("call %q: result does not decode: %w", name, err))
			}
			return called(ev, result)
		},
	}
	s.b.countStep(thing)
	s.plan.Steps = append(s.plan.Steps, decl.plan)
	fill(c, Call[In]{decl})
	return thing
}

// Start has the call made once what this event wrote is committed.
func (c Call[In]) Start(ev *Event, in In) {
	h := &ev.host
	if c.c == nil {
		h.Fail("start of a call that was never declared: declare it with module.DeclareCall")
		return
	}
	if c.c.plan.stream != h.Topology {
		h.Fail("start of call %q of stream %q from an event of another stream", c.c.plan.Name, c.c.plan.Topology)
		return
	}
	column := h.CallColumn(c.c.plan.ID, c.c.plan.NewColumn).(*wire.ColumnOf[In])
	if err := column.Put(in); err != nil {
		h.Fail("start of call %q: input does not encode: %w", c.c.plan.Name, err)
		return
	}
	h.Call(c.c.plan.ID, column)
}

type callIDKey struct{}

// CallID is the id of the call whose function runs with this context: the same
// whenever it is made again for the same record and place in its handlers.
func CallID(ctx context.Context) uuid.UUID {
	id, _ := ctx.Value(callIDKey{}).(uuid.UUID)
	return id
}

// WithCallID is for the worker.
func WithCallID(ctx context.Context, seed uint64) context.Context {
	return context.WithValue(ctx, callIDKey{}, idOf(seed))
}
