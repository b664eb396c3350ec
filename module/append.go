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
	// Headers travel with the record: the trace context among others.
	Headers []depot.Header
}

// AppendOption changes one append.
type AppendOption func(*Record)

// Wait sets what the append waits for.
func Wait(level Level) AppendOption { return func(r *Record) { r.Level = level } }

// ErrUndeclared says that a handle was used before its module's Define filled
// it: launch the module, or bind it with the client's Use.
var ErrUndeclared = errors.New("handle is not declared: launch its module or bind it with Use first")

// ErrDisallowed: the depot was declared with DisallowAppends.
var ErrDisallowed = errors.New("the depot takes no appends of clients: only the module's topologies append to it")

// Append writes one record and waits as its level says: by default until every
// stream of the module is done with it. What the streams returned is in the
// acks.
//
// (A method and not a function: with a Depot[Op], a value of any type that
// implements Op can be appended as it is.)
func (d Depot[T]) Append(ctx context.Context, a Appender, v T, options ...AppendOption) (Acks, error) {
	r, err := d.prepared(v, options)
	if err != nil {
		return Acks{}, err
	}
	return a.SendRecord(ctx, r)
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
type Acks struct{ byTopology map[string]map[int][]byte }

// NewAcks makes acks from stored values, by topology and ack. For clients.
func NewAcks(byTopology map[string]map[int][]byte) Acks { return Acks{byTopology} }

// MarshalJSON is the map from topology to what it returned, several acks as an array; what
// is not stored as JSON comes as text in base64.
func (a Acks) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	for topology, returns := range a.byTopology {
		var values []any
		for _, id := range slices.Sorted(maps.Keys(returns)) {
			if json.Valid(returns[id]) {
				values = append(values, json.RawMessage(returns[id]))
			} else {
				values = append(values, returns[id])
			}
		}
		if len(values) == 1 {
			out[topology] = values[0]
		} else {
			out[topology] = values
		}
	}
	return json.Marshal(out)
}

// String prints the map from topology to its ack return: {"s" 1}. Topologies
// that returned nothing are not in it (promise 3.79).
func (a Acks) String() string {
	var out strings.Builder
	out.WriteByte('{')
	for i, topology := range slices.Sorted(maps.Keys(a.byTopology)) {
		if i > 0 {
			out.WriteString(", ")
		}
		returns := a.byTopology[topology]
		values := make([]string, 0, len(returns))
		for _, id := range slices.Sorted(maps.Keys(returns)) {
			values = append(values, string(returns[id]))
		}
		fmt.Fprintf(&out, "%q ", topology)
		if len(values) == 1 {
			out.WriteString(values[0])
		} else {
			out.WriteString("[" + strings.Join(values, " ") + "]")
		}
	}
	out.WriteByte('}')
	return out.String()
}
