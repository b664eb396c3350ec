package module

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/module/agg"
)

// Ack is the handle of a value that a stream returns to the appender.
type Ack[T any] = AckOf[T, T]

// AckOf is an Ack whose handlers return values of one type, of which the appender gets
// another: their number, their mean, the set of them.
type AckOf[V, A any] struct{ a *ackDecl[V, A] }

type ackDecl[V, A any] struct {
	stream *StreamPlan
	id     uint16
	values codec.Codec[V]
	result codec.Codec[A]
}

// DeclareAck declares a value that handlers of the stream return to whoever
// appended the record. Several returns for one record, from any tasks, are
// aggregated at the root (promises 3.76 and 3.81), in the order of their arrival. Where
// several sources of the stream read its depot, those of each are aggregated first, and then
// merged in the order of declaration, for which the aggregator needs Merge. An aggregator that
// panics loses the value, not the record: the appender gets a client.AckError.
func DeclareAck[V, A any](s *Stream, a *AckOf[V, A], by agg.Aggregator[V, A]) {
	id := len(s.plan.Acks)
	thing := s.b.declare("ack", fmt.Sprintf("%s-%d", s.plan.Name, id), a)
	values, err := codec.JSON[V]()
	if err != nil {
		s.b.mistake(thing, err.Error(), "")
	}
	result, err2 := codec.JSON[A]()
	if err2 != nil && (err == nil || err.Error() != err2.Error()) {
		s.b.mistake(thing, err2.Error(), "")
	}
	var how agg.Accumulator[V, A]
	if by != nil {
		how = by.Accumulator()
	}
	if !how.Valid() {
		s.b.mistake(thing, "has no combiner", "use agg.Last, agg.Sum or one of your own")
	}
	fill(a, AckOf[V, A]{&ackDecl[V, A]{stream: s.plan, id: uint16(id), values: values, result: result}})
	s.plan.Acks = append(s.plan.Acks, &AckPlan{Type: typeName[A](), Fold: foldWith(values, result, how), Merge: mergeWith(result, how)})
}

// foldWith takes a stored value into a stored result: have is nil for the first.
func foldWith[V, A any](values codec.Codec[V], results codec.Codec[A], by agg.Accumulator[V, A]) func(have, next []byte) ([]byte, error) {
	return func(have, next []byte) (out []byte, err error) {
		defer asError(&err)
		var more V
		var result A
		if err := values.Decode(next, &more); err != nil {
			return nil, err
		}
		if have == nil {
			result = by.First(more)
		} else {
			if err := results.Decode(have, &result); err != nil {
				return nil, err
			}
			result = by.Add(result, more)
		}
		return results.Append(nil, &result)
	}
}

// mergeWith takes a stored result into another one.
func mergeWith[V, A any](results codec.Codec[A], by agg.Accumulator[V, A]) func(have, next []byte) ([]byte, error) {
	return func(have, next []byte) (out []byte, err error) {
		defer asError(&err)
		if by.Merge == nil {
			return nil, errors.New("several sources of the stream return it for one record, and its aggregator has no Merge")
		}
		var a, b A
		if err := errors.Join(results.Decode(have, &a), results.Decode(next, &b)); err != nil {
			return nil, err
		}
		a = by.Merge(a, b)
		return results.Append(nil, &a)
	}
}

func asError(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the ack's combiner panicked: %v", p)
	}
}

// Return hands a value to the appender. It arrives when the record's whole tree
// is complete (promise 3x.11).
func (a AckOf[V, A]) Return(ev *Event, v V) {
	if a.a == nil {
		ev.host.Fail("ack return: %w", ErrUndeclared)
		return
	}
	if a.a.stream.ID != ev.host.Topology {
		ev.host.Fail("ack of stream %q returned from an event of another stream; each stream declares its own", a.a.stream.Name)
		return
	}
	raw, err := a.a.values.Append(nil, &v)
	if err != nil {
		ev.host.Fail("ack return does not encode: %w", err)
		return
	}
	ev.host.Return(a.a.id, raw)
}

// From takes the value out of an append's acks; ok is false if no handler
// returned one.
func (a AckOf[V, A]) From(acks Acks) (result A, ok bool) {
	if a.a == nil {
		return result, false
	}
	raw, ok := acks.value(a.a.stream.Name, a.a.id)
	if !ok {
		return result, false
	}
	return result, a.a.result.Decode(raw, &result) == nil
}
