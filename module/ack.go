package module

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/module/agg"
)

// Ack is the handle of a value that a stream returns to the appender.
type Ack[T any] struct{ a *ackDecl[T] }

type ackDecl[T any] struct {
	stream *StreamPlan
	id     uint16
	codec  codec.Codec[T]
}

// DeclareAck declares a value that handlers of the stream return to whoever
// appended the record. Several returns for one record, from any tasks, are
// combined at the root (promises 3.76 and 3.81), in the order of their arrival.
func DeclareAck[T any](s *Stream, a *Ack[T], combiner agg.Combiner[T]) {
	id := len(s.plan.Acks)
	thing := s.b.declare("ack", fmt.Sprintf("%s-%d", s.plan.Name, id), a)
	c, err := codec.JSON[T]()
	if err != nil {
		s.b.mistake(thing, err.Error(), "")
	}
	if combiner.Combine == nil {
		s.b.mistake(thing, "has no combiner", "use agg.Last, agg.Sum or one of your own")
	}
	a.a = &ackDecl[T]{stream: s.plan, id: uint16(id), codec: c}
	s.plan.Acks = append(s.plan.Acks, &AckPlan{Type: typeName[T](), Fold: foldWith(c, combiner)})
}

// foldWith combines stored values: have is nil for the first.
func foldWith[T any](c codec.Codec[T], combiner agg.Combiner[T]) func(have, next []byte) ([]byte, error) {
	return func(have, next []byte) (out []byte, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the ack's combiner panicked: %v", p)
			}
		}()
		var value, more T
		if err := c.Decode(next, &more); err != nil {
			return nil, err
		}
		switch {
		case have != nil:
			if err := c.Decode(have, &value); err != nil {
				return nil, err
			}
			value = combiner.Combine(value, more)
		case combiner.Zero != nil:
			value = combiner.Combine(combiner.Zero(), more)
		default:
			value = more
		}
		return c.Append(nil, &value)
	}
}

// Return hands a value to the appender. It arrives when the record's whole tree
// is complete (promise 3x.11).
func (a Ack[T]) Return(ev *Event, v T) {
	if a.a == nil {
		ev.host.Fail("ack return: %w", ErrUndeclared)
		return
	}
	if a.a.stream.ID != ev.host.Topology {
		ev.host.Fail("ack of stream %q returned from an event of another stream; each stream declares its own", a.a.stream.Name)
		return
	}
	raw, err := a.a.codec.Append(nil, &v)
	if err != nil {
		ev.host.Fail("ack return does not encode: %w", err)
		return
	}
	ev.host.Return(a.a.id, raw)
}

// From takes the value out of an append's acks; ok is false if no handler
// returned one.
func (a Ack[T]) From(acks Acks) (v T, ok bool) {
	if a.a == nil {
		return v, false
	}
	raw, ok := acks.byTopology[a.a.stream.Name][int(a.a.id)]
	if !ok {
		return v, false
	}
	return v, a.a.codec.Decode(raw, &v) == nil
}
