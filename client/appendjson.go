package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/coppice-run/coppice/internal/navtext"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Errors of appends without a module's code.
var (
	ErrNoDepot     = errors.New("unknown depot")
	ErrNoPartition = errors.New("unknown partition")
	// ErrWrongRecord: the module's code makes no record of the JSON, or of the new value of a parked record.
	ErrWrongRecord = errors.New("wrong record")
	// ErrNoCode: no worker of the module answers, and only its code knows how a record is
	// stored and where it goes.
	ErrNoCode = errors.New("no worker of the module answers")
)

// JSONRecord is a record for a depot of a running module, whose code the program need not
// have: a worker of the module makes the record of the JSON, by the depot's codec, and finds
// its partition by the depot's own function.
type JSONRecord struct {
	Module string
	Depot  string
	Data   json.RawMessage
	// Stored is the stored form, in the place of Data: for codecs without JSON. Then Key or
	// Partition says where it goes, unless any partition will do.
	Stored []byte
	// Key, if set, is the JSON of the key, in the place of the one that the depot finds in
	// the record.
	Key json.RawMessage
	// Partition, if set, is where the record goes, whatever its key. The module looks for
	// what belongs to a key on the task of that key.
	Partition *int32
	// ID, if set, is the append's; see module.AppendID.
	ID string
	// Level is what the append waits for; see module.Wait.
	Level module.Level
}

// Appended is a record that is in its depot.
type Appended struct {
	Place Place       `json:"place"`
	Acks  module.Acks `json:"acks"` // what the streams returned, by topology
}

// AppendJSON appends a record and waits as its level says. Where an error says that the record is in the
// depot (RejectedError, FailedError, ThrottledError, UnknownError with an offset), Place
// is set. Errors before anything is sent: ErrNoModule, ErrNoDepot, ErrNoPartition,
// ErrWrongRecord, ErrWrongType, ErrNoCode, module.ErrDisallowed, module.ErrNoAppendIDs.
func (c *Client) AppendJSON(ctx context.Context, r JSONRecord) (Appended, error) {
	b, err := c.named(ctx, r.Module)
	if err != nil {
		return Appended{}, err
	}
	if _, ok := b.plan.Depot(r.Depot); !ok {
		if b, err = c.bind(ctx, r.Module, nil); err != nil { // it may be a later version's
			return Appended{}, err
		}
	}
	record, err := c.prepare(ctx, b, &r)
	if err != nil {
		return Appended{}, fmt.Errorf("append to depot %s.%s: %w", r.Module, r.Depot, err)
	}
	a := c.begin(ctx, record, r.Level == module.AckAll)
	acks, err := a.settle(ctx)
	return Appended{Place: a.place, Acks: acks}, err
}

// prepare makes the record.
func (c *Client) prepare(ctx context.Context, b *bound, r *JSONRecord) (module.Record, error) {
	d, ok := b.plan.Depot(r.Depot)
	if !ok {
		return module.Record{}, fmt.Errorf("%w; module %s has %s", ErrNoDepot, b.name, names(b.plan.Depots, func(d *module.DepotPlan) string { return d.Name }))
	}
	if d.Disallowed {
		return module.Record{}, module.ErrDisallowed
	}
	n := d.Partitions(b.tasks)
	if r.Partition != nil && (*r.Partition < 0 || int(*r.Partition) >= n) {
		return module.Record{}, fmt.Errorf("partition %d: %w; it has 0 to %d", *r.Partition, ErrNoPartition, n-1)
	}
	out := module.Record{Module: b.name, Depot: d.Name, Level: r.Level, Value: r.Stored}
	partition := int32(-1)
	placed := r.Partition != nil || r.Key != nil
	if r.Stored == nil {
		p, err := c.prepared(ctx, b, d, r.Data)
		switch {
		case errors.Is(err, ErrNoCode) && placed && storable(d):
			out.Value, err = storedForm(d, r.Data)
		case err == nil:
			out.Value, out.Key, partition = p.Value, p.Key, p.Partition
		}
		if err != nil {
			return out, err
		}
	} else if !placed && (d.Partitioning == "hash" || d.Partitioning == "custom") {
		return out, fmt.Errorf("%w: the depot is partitioned by %s of the record, which nothing finds in a stored form: give a key or a partition", ErrWrongRecord, d.Partitioning)
	}
	if r.Key != nil {
		key, err := keyBytes(d, r.Key)
		if err != nil {
			return out, err
		}
		out.Key, partition = key, -1
	}
	placeRecord(&out, d, r.Partition, partition)
	if r.ID != "" {
		return out, d.WithID(&out, r.ID)
	}
	return out, nil
}

// placeRecord says where a record goes whose partition is not that of its key.
func placeRecord(out *module.Record, d *module.DepotPlan, chosen *int32, found int32) {
	if chosen != nil {
		found = *chosen
		out.Key = nil // the key would choose
	}
	switch {
	case d.Global:
		found = 0
	case found < 0:
		return
	}
	out.Choose = func(int) (int, error) { return int(found), nil }
}

// storable reports whether records of a depot can be stored without its code.
func storable(d *module.DepotPlan) bool { return d.Codec == "json" || d.Codec == "text" }

func storedForm(d *module.DepotPlan, data json.RawMessage) ([]byte, error) {
	if d.Codec == "json" {
		var out bytes.Buffer
		if err := json.Compact(&out, data); err != nil {
			return nil, fmt.Errorf("%w: it is no JSON: %w", ErrWrongRecord, err)
		}
		return out.Bytes(), nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil || !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: records here are text: put it in quotes", ErrWrongRecord)
	}
	return []byte(text), nil
}

// keyBytes are the partition bytes of a key.
func keyBytes(d *module.DepotPlan, raw json.RawMessage) ([]byte, error) {
	if d.Partitioning != "hash" {
		return nil, fmt.Errorf("%w: the depot is partitioned by %s and its records have no key", ErrWrongRecord, d.Partitioning)
	}
	if d.Key != nil && !d.Key.OwnForm() {
		key, err := navtext.ParseKey(d.Key, raw)
		if err != nil {
			return nil, fmt.Errorf("%w: keys of the depot are %v: %w", ErrWrongType, d.Key, err)
		}
		return task.AppendKey([]byte{}, key.Interface())
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var key any
	if err := decoder.Decode(&key); err != nil {
		return nil, fmt.Errorf("%w: the key is no JSON", ErrWrongType)
	}
	return task.AppendKey([]byte{}, key)
}

// prepared asks workers of the module until one answers.
func (c *Client) prepared(ctx context.Context, b *bound, d *module.DepotPlan, data json.RawMessage) (*wire.Prepared, error) {
	if !json.Valid(data) {
		return nil, fmt.Errorf("%w: it is no JSON", ErrWrongRecord)
	}
	var p *wire.Prepared
	err := c.anyone(ctx, b, 0, func(id task.ID, address string) (answered bool, err error) {
		raw, err := c.link.Call(ctx, address, wire.AppendRequest(nil, &wire.Request{Module: b.name, Prepare: &wire.PrepareRequest{Depot: d.Name, JSON: data}}))
		if err != nil {
			return false, fmt.Errorf("worker %s: %w", address, err)
		}
		if p, err = wire.ParsePrepared(raw); err == nil && p.Wrong != "" {
			err = fmt.Errorf("%w: %s", ErrWrongRecord, p.Wrong)
		}
		return true, err
	})
	if p != nil {
		return p, err
	}
	return nil, fmt.Errorf("%w, and only its code knows how a record is stored and where it goes (%w); start one, or give a key or a partition", ErrNoCode, err)
}
