package module

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Level says what an append waits for.
type Level uint8

const (
	// AckAll waits until every stream topology of the module that reads the depot
	// is done with the record; reads then see its effects. The default
	// (promise 3.80).
	AckAll Level = iota
	// AckAppend waits until all in-sync replicas have the record.
	AckAppend
	// AckNone waits for nothing.
	AckNone
)

// Appender appends records; a client is one.
type Appender interface {
	SendRecord(context.Context, Record) (Acks, error)
}

// Record is a record ready to be sent. For implementations of Appender.
type Record struct {
	Module string
	Depot  string
	Key    []byte // partition bytes; nil where a depot has no key
	// Choose picks the partition where there is no key. nil: at random.
	Choose func(partitions int) (int, error)
	Value  []byte
	Level  Level
	ID     string // of the append; "": none
	// Headers travel with the record: the trace context among others.
	Headers []depot.Header

	named bool // it has an ID
}

// AppendOption changes one append.
type AppendOption func(*Record)

// Wait sets what the append waits for.
func Wait(level Level) AppendOption { return func(r *Record) { r.Level = level } }

// AppendID gives the append an id: another append with it, of the same record in the sense of
// the depot's key, has no effect, and returns what the first one returns. So an append whose
// outcome is not known can be made again. The depot must be declared with [AppendIDs], whose
// window says for how long; ids have 1 to [IDBytesMax] bytes. A record without a key goes to
// the partition that its id says.
func AppendID(id string) AppendOption { return func(r *Record) { r.ID, r.named = id, true } }

// IDBytesMax bounds an append's id.
const IDBytesMax = 256

// ErrNoAppendIDs: the append has an id, and the depot is declared without AppendIDs.
var ErrNoAppendIDs = errors.New("the depot does not tell appends by their ids: declare it with AppendIDs")

// name puts the id of an append into its record.
func (d *DepotPlan) name(r *Record) error {
	switch {
	case !r.named:
		return nil
	case d.IDWindow == 0:
		return ErrNoAppendIDs
	case len(r.ID) == 0 || len(r.ID) > IDBytesMax:
		return fmt.Errorf("the append's id has %d bytes; it has 1 to %d", len(r.ID), IDBytesMax)
	}
	r.Headers = append(r.Headers, depot.Header{Key: wire.IDHeader, Value: []byte(r.ID)})
	if r.Key == nil && r.Choose == nil {
		r.Choose = func(partitions int) (int, error) { return int(task.Of([]byte(r.ID), partitions)), nil }
	}
	return nil
}

// WithID gives a record the id of its append, as [AppendID] does: for programs that have the
// plan alone.
func (d *DepotPlan) WithID(r *Record, id string) error {
	AppendID(id)(r)
	return d.name(r)
}

// ErrUndeclared says that a handle was used before its module's Define filled
// it: launch the module, or bind it with the client's Use.
var ErrUndeclared = errors.New("handle is not declared: launch its module or bind it with Use first")

// ErrDisallowed: the depot was declared with DisallowAppends.
var ErrDisallowed = errors.New("the depot takes no appends of clients: only the module's topologies append to it")

// ErrMirror: the handle is a mirror, which does not know what chooses a record's partition.
var ErrMirror = errors.New("the handle is a mirror: append by the handle of the module that declares the depot")

// Append writes one record and waits as its level says: by default until every
// stream of the module is done with it. What the streams returned is in the
// acks.
//
// (A method and not a function: with a Depot[Op], a value of any type that
// implements Op can be appended as it is.)
func (d Depot[T]) Append(ctx context.Context, a Appender, v T, options ...AppendOption) (Acks, error) {
	r, err := d.Record(v, options...)
	switch {
	case err != nil:
		return Acks{}, err
	case ctx == nil:
		err = errors.New("the context is nil; pass context.Background() if nothing ends the append")
	case a == nil:
		err = errors.New("the appender is nil; pass a client")
	}
	if err != nil {
		return Acks{}, fmt.Errorf("append to depot %s.%s: %w", d.d.plan.Module, d.d.plan.Name, err)
	}
	return a.SendRecord(ctx, r)
}

// Record is what Append sends: for those who send it in their own way.
func (d Depot[T]) Record(v T, options ...AppendOption) (Record, error) {
	if d.d == nil {
		return Record{}, ErrUndeclared
	}
	if d.d.mirrored != nil {
		return Record{}, fmt.Errorf("append to depot %s.%s: %w", d.d.plan.Module, d.d.plan.Name, ErrMirror)
	}
	if d.d.plan.Disallowed {
		return Record{}, fmt.Errorf("append to depot %s.%s: %w", d.d.plan.Module, d.d.plan.Name, ErrDisallowed)
	}
	r, err := d.d.record(v)
	if err == nil {
		err = r.apply(options)
	}
	if err != nil {
		return Record{}, fmt.Errorf("append to depot %s.%s: %w", d.d.plan.Module, d.d.plan.Name, err)
	}
	if err := d.d.plan.name(&r); err != nil {
		return Record{}, fmt.Errorf("append to depot %s.%s: %w", d.d.plan.Module, d.d.plan.Name, err)
	}
	return r, nil
}

// apply applies the options.
func (r *Record) apply(options []AppendOption) error {
	for i, o := range options {
		if o == nil {
			return fmt.Errorf("option %d is nil; leave it out", i)
		}
		o(r)
	}
	if r.Level > AckNone {
		return fmt.Errorf("there is no level %d to wait for; choose AckAll, AckAppend or AckNone", r.Level)
	}
	return nil
}

func (d *depotDecl[T]) record(v T) (r Record, err error) {
	r = Record{Module: d.plan.Module, Depot: d.plan.Name}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the depot's key function or codec panicked: %v", p)
		}
	}()
	if r.Value, err = d.codec.Append(nil, &v); err != nil {
		return r, fmt.Errorf("record does not encode: %w", err)
	}
	if d.key != nil {
		if r.Key, err = d.key([]byte{}, v); err != nil {
			return r, fmt.Errorf("partition key does not encode: %w", err)
		}
	}
	if d.choose != nil {
		r.Choose = func(partitions int) (int, error) { return d.chosen(v, partitions) }
	}
	return r, nil
}

// chosen asks the depot's own function for the partition.
func (d *depotDecl[T]) chosen(v T, partitions int) (p int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the depot's partition function panicked: %v", r)
		}
	}()
	p = d.choose(v, partitions)
	if p < 0 || p >= partitions {
		return p, fmt.Errorf("the depot's partition function chose partition %d; there are 0 to %d", p, partitions-1)
	}
	return p, nil
}

// Acks is what the streams returned for one record.
type Acks struct{ returned []wire.Returned }

// NewAcks makes acks from stored values, by topology and ack. For fakes of a client.
func NewAcks(byTopology map[string]map[int][]byte) Acks {
	var a Acks
	for _, topology := range slices.Sorted(maps.Keys(byTopology)) {
		r := wire.Returned{Topology: topology}
		for _, ack := range slices.Sorted(maps.Keys(byTopology[topology])) {
			r.Values = append(r.Values, wire.Return{Ack: uint16(ack), Value: byTopology[topology][ack]})
		}
		a.returned = append(a.returned, r)
	}
	return a
}

// AcksOf makes acks of what the owner of a record's task has said. For clients.
func AcksOf(returned []wire.Returned) Acks { return Acks{returned} }

// value is what a topology returned with one of its acks.
func (a Acks) value(topology string, ack uint16) (raw []byte, ok bool) {
	for i := range a.returned {
		if a.returned[i].Topology != topology {
			continue
		}
		for _, r := range a.returned[i].Values {
			if r.Ack == ack {
				return r.Value, true
			}
		}
	}
	return nil, false
}

// inOrder is what was returned, by topology.
func (a Acks) inOrder() []wire.Returned {
	return slices.SortedFunc(slices.Values(a.returned), func(x, y wire.Returned) int { return strings.Compare(x.Topology, y.Topology) })
}

// MarshalJSON is the map from topology to what it returned, several acks as an array; what
// is not stored as JSON comes as text in base64.
func (a Acks) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	for _, topology := range a.returned {
		var values []any
		for _, r := range topology.Values {
			if json.Valid(r.Value) {
				values = append(values, json.RawMessage(r.Value))
			} else {
				values = append(values, r.Value)
			}
		}
		if len(values) == 1 {
			out[topology.Topology] = values[0]
		} else {
			out[topology.Topology] = values
		}
	}
	return json.Marshal(out)
}

// String prints the map from topology to its ack return: {"s" 1}. Topologies
// that returned nothing are not in it (promise 3.79).
func (a Acks) String() string {
	var out strings.Builder
	out.WriteByte('{')
	for i, topology := range a.inOrder() {
		if i > 0 {
			out.WriteString(", ")
		}
		values := make([]string, 0, len(topology.Values))
		for _, r := range topology.Values {
			values = append(values, string(r.Value))
		}
		fmt.Fprintf(&out, "%q ", topology.Topology)
		if len(values) == 1 {
			out.WriteString(values[0])
		} else {
			out.WriteString("[" + strings.Join(values, " ") + "]")
		}
	}
	out.WriteByte('}')
	return out.String()
}
