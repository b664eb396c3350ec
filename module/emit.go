package module

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/task"
)

// EmitOption changes one append from a handler.
type EmitOption func(*host.Append)

// Unawaited has the record of the event not wait for the append: it is done
// although the append may still fail, which is counted and told, and lost with the
// worker.
//
// There is no option to wait until the appended record is processed: where the
// stream that appends also reads the depot, the two would wait for each other for
// ever (promise 3x.10). What is to happen after it belongs to the handler of the
// appended record.
func Unawaited() EmitOption { return func(a *host.Append) { a.Unawaited = true } }

// Emit appends a record to a depot of the handler's own module, to the partition
// that the depot's rule says; for a random depot, the same one at each attempt.
// Depots that refuse the appends of clients take it (promise 4.04).
//
// It leaves when the commit of the event has its durability level, so whoever
// processes it sees what this event wrote (promise 3x.08). The record of the event
// is done when the log has the append; one that failed, or of which nobody knows,
// has the record run again: at least once. Appends of one task to one partition are
// handed to the log in their order.
//
// A record that does not encode or for which the depot has no partition fails the
// event; one that is too large parks the event's record ([TooLargeError]).
func (d Depot[T]) Emit(ev *Event, v T, options ...EmitOption) {
	h := d.emittable(ev)
	if h == nil {
		return
	}
	r, err := d.d.record(v)
	if err != nil {
		h.Fail("append to depot %q: %w", d.d.plan.Name, err)
		return
	}
	partitions := d.d.plan.Partitions(h.Tasks)
	var to task.ID
	switch {
	case r.Key != nil:
		to = task.Of(r.Key, partitions)
	case r.Choose != nil:
		n, err := r.Choose(partitions)
		if err != nil {
			h.Fail("append to depot %q: %w", d.d.plan.Name, err)
			return
		}
		to = task.ID(n)
	default:
		to = task.ID(h.NextAppendSeed() % uint64(partitions))
	}
	d.d.emit(h, to, &r, options)
}

// EmitTo appends a record to the partition of a chosen task, whatever the depot's
// rule says (promise 4.23): with ev.Task() to that of the task which runs the
// handler. A partition that the depot does not have fails the event. Else it is
// like [Depot.Emit].
func (d Depot[T]) EmitTo(ev *Event, to task.ID, v T, options ...EmitOption) {
	h := d.emittable(ev)
	if h == nil {
		return
	}
	if n := d.d.plan.Partitions(h.Tasks); to < 0 || int(to) >= n {
		h.Fail("append to depot %q: there is no partition %d; the depot has 0 to %d", d.d.plan.Name, to, n-1)
		return
	}
	r, err := d.d.record(v)
	if err != nil {
		h.Fail("append to depot %q: %w", d.d.plan.Name, err)
		return
	}
	d.d.emit(h, to, &r, options)
}

// emittable checks that the event may append to the depot.
func (d Depot[T]) emittable(ev *Event) *host.Event {
	h := &ev.host
	if d.d == nil {
		h.Fail("append to a depot: %w", ErrUndeclared)
		return nil
	}
	if d.d.plan.Module != h.Module {
		h.Fail("append to depot %q of module %s from a handler of module %s: a topology appends to the depots of its own module; to append elsewhere, make a call (module.DeclareCall) that does so with a client", d.d.plan.Name, d.d.plan.Module, h.Module)
		return nil
	}
	return h
}

func (d *depotDecl[T]) emit(h *host.Event, to task.ID, r *Record, options []EmitOption) {
	a := host.Append{Depot: d.plan.Name, Partition: to, Record: depot.Record{Key: r.Key, Value: r.Value}}
	for _, o := range options {
		o(&a)
	}
	emit(h, "depot", d.plan.Name, a)
}

// emit adds an append to those of the event, if it is not too large.
func emit(h *host.Event, kind, name string, a host.Append) {
	if n := depot.RecordBytes(&a.Record); n > EmitBytesMax {
		h.Fail("%w", Park(&TooLargeError{Kind: kind, Name: name, Bytes: n, BytesMax: EmitBytesMax}))
		return
	}
	if n := h.Emit(a); n > EventEmitBytesMax {
		h.Fail("%w", Park(&TooLargeError{Kind: kind, Name: name, Event: true, Bytes: n, BytesMax: EventEmitBytesMax}))
	}
}

// Limits of what handlers append.
const (
	// EmitBytesMax bounds key, value and headers of one record: a little less than
	// what clients may append, for the engine adds headers.
	EmitBytesMax = depot.RecordBytesMax - 1<<10
	// EventEmitBytesMax bounds what one event appends in all.
	EventEmitBytesMax = 8 << 20
)

// TooLargeError: a handler appended more than a record, or all the appends of one
// event, may have. The event's record is parked: it would fail at every attempt.
// It wraps [depot.ErrTooLarge].
type TooLargeError struct {
	Kind, Name string // what was appended to: depot "clicks"
	Event      bool   // the event's appends together are too large
	Bytes      int
	BytesMax   int
}

func (e *TooLargeError) Error() string {
	if e.Event {
		return fmt.Sprintf("append to %s %q: the appends of one event have %d bytes by now, at most %d are allowed: hop, and append from several events", e.Kind, e.Name, e.Bytes, e.BytesMax)
	}
	return fmt.Sprintf("append to %s %q: key, value and headers have %d bytes, at most %d are allowed", e.Kind, e.Name, e.Bytes, e.BytesMax)
}

func (e *TooLargeError) Unwrap() error { return depot.ErrTooLarge }
