package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// ParkedRef names a parked record, or an event of a record of an exactly-once stream
// that was parked while the rest of the record went on.
type ParkedRef struct {
	Module    string `json:"module"`
	Topology  string `json:"topology"`
	Source    string `json:"source"`
	Partition int32  `json:"partition"` // of the record
	Offset    int64  `json:"offset"`
	// Of an event: the step that it goes to, its id, and the task that it lies on.
	Step  string  `json:"step,omitempty"`
	Event string  `json:"event,omitempty"`
	Task  task.ID `json:"task,omitempty"`
}

// String prints MODULE/TOPOLOGY/SOURCE/PARTITION/OFFSET, of an event with
// /STEP/EVENT/TASK behind it.
func (r ParkedRef) String() string {
	text := fmt.Sprintf("%s/%s/%s/%d/%d", r.Module, r.Topology, r.Source, r.Partition, r.Offset)
	if r.Event != "" {
		text += fmt.Sprintf("/%s/%s/%d", r.Step, r.Event, r.Task)
	}
	return text
}

// Handler names what failed: the step of an event, else the source.
func (r ParkedRef) Handler() string { return cmp.Or(r.Step, r.Source) }

// at is the task that it lies on, in a module of so many: it has the record's partition, which
// of a topic of others may be any number.
func (r ParkedRef) at(tasks int) task.ID {
	if r.Event != "" {
		return r.Task
	}
	return task.ID(int(r.Partition) % tasks)
}

// ParkedRecord is a record that was taken out of its stream for a person to
// decide: it failed as often as it may, a handler parked it, or it does not decode.
type ParkedRecord struct {
	ParkedRef
	Time     time.Time      `json:"time"` // when it was appended
	Key      []byte         `json:"key"`
	Value    []byte         `json:"value"`
	Edited   bool           `json:"edited"` // the value is not the one in the depot any more
	Headers  []depot.Header `json:"headers"`
	Reason   string         `json:"reason"` // of the last attempt
	Attempts int            `json:"attempts"`
}

// ErrNotParked: there is no such parked record, or no longer.
var ErrNotParked = errors.New("not parked")

// Parked lists the parked records of a module, by topology, source, partition and
// offset.
func (c *Client) Parked(ctx context.Context, module string) ([]ParkedRecord, error) {
	b, err := c.named(ctx, module)
	if err != nil {
		return nil, err
	}
	found := make([][]store.Element, len(b.slots))
	err = sideBySide(len(b.slots), func(i int) (err error) {
		found[i], err = c.scan(ctx, b.slots[i], wire.ParkedTable(b.slots[i].Tag))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("module %s: reading the parked records: %w", module, err)
	}
	var all []ParkedRecord
	for _, e := range slices.Concat(found...) {
		p, err := parkedRecord(module, e)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b ParkedRecord) int {
		return cmp.Or(cmp.Compare(a.Topology, b.Topology), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Event, b.Event))
	})
	return all, nil
}

// FindParked reads one parked record. Errors: ErrNotParked.
func (c *Client) FindParked(ctx context.Context, ref ParkedRef) (ParkedRecord, error) {
	b, err := c.named(ctx, ref.Module)
	if err != nil {
		return ParkedRecord{}, err
	}
	at := ref.at(b.tasks)
	if at < 0 || int(at) >= b.tasks {
		return ParkedRecord{}, fmt.Errorf("parked record %v: module %s has the tasks 0 to %d: %w", ref, ref.Module, b.tasks-1, ErrNotParked)
	}
	// That one alone: another that does not parse says nothing of it.
	field := wire.ParkedField(ref.Topology, ref.Source, ref.Offset, ref.Step, ref.Event)
	reads := [1]store.Read{{Kind: store.Get, Table: wire.ParkedTable(b.slots[at].Tag), Field: field}}
	if _, err := c.config.Store.Read(ctx, b.slots[at], reads[:]); err != nil {
		return ParkedRecord{}, fmt.Errorf("parked record %v: reading it: %w", ref, err)
	}
	if !reads[0].Found {
		return ParkedRecord{}, fmt.Errorf("parked record %v: %w", ref, ErrNotParked)
	}
	p, err := parkedRecord(ref.Module, store.Element{Field: field, Value: reads[0].Value})
	if err != nil {
		return ParkedRecord{}, err
	}
	if p.ParkedRef != ref { // the name is without the partition
		return ParkedRecord{}, fmt.Errorf("parked record %v: %w", ref, ErrNotParked)
	}
	return p, nil
}

// scan reads a whole table, page by page.
func (c *Client) scan(ctx context.Context, slot store.Slot, table store.Table) ([]store.Element, error) {
	var all []store.Element
	var span store.Span
	for {
		reads := [1]store.Read{{Kind: store.Range, Table: table, Span: span}}
		if _, err := c.config.Store.Read(ctx, slot, reads[:]); err != nil {
			return nil, err
		}
		all = append(all, reads[0].Elements...)
		if !reads[0].More || len(reads[0].Elements) == 0 {
			return all, nil
		}
		last := reads[0].Elements[len(reads[0].Elements)-1].Field
		span = store.Span{Low: last, HasLow: true, LowOpen: true}
	}
}

func parkedRecord(module string, e store.Element) (ParkedRecord, error) {
	var p wire.ParkedRecord
	if err := json.Unmarshal([]byte(e.Value), &p); err != nil {
		return ParkedRecord{}, fmt.Errorf("parked record %s: %w", e.Field, err)
	}
	if p.Version != 1 {
		return ParkedRecord{}, fmt.Errorf("parked record %s: format version %d, this program reads 1", e.Field, p.Version)
	}
	r := ParkedRecord{
		ParkedRef: ParkedRef{module, p.Topology, p.Source, p.Partition, p.Offset, p.Step, p.Event, p.Task},
		Time:      time.UnixMilli(p.TimeMillis), Key: p.KeyBytes, Value: p.Bytes, Edited: p.Edited, Reason: p.Reason, Attempts: p.Attempts,
	}
	if p.KeyText != nil {
		r.Key = []byte(*p.KeyText)
	}
	if p.Text != nil {
		r.Value = []byte(*p.Text)
	}
	for _, h := range p.Headers {
		r.Headers = append(r.Headers, depot.Header{Key: h.Key, Value: h.Value})
	}
	return r, nil
}

// RetryParked runs a parked record once more, now: behind all records of its
// partition that have run meanwhile. It returns when the record is done and no
// longer parked; if it fails again the error is a *FailedError, and the record
// stays parked with the new reason. In a microbatch topology it runs in the next microbatch,
// which all tasks have applied when RetryParked returns.
func (c *Client) RetryParked(ctx context.Context, ref ParkedRef) error {
	if err := c.orderParked(ctx, ref, runtime.ParkedRetry, nil); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	b, plan, err := c.microbatches(ctx, ref.Module, ref.Topology)
	if errors.Is(err, ErrNoMicrobatches) {
		return nil
	}
	var at microbatchAt
	if err == nil {
		at, err = c.microbatchAt(ctx, b, plan, ref.at(b.tasks)) // its task answers when it has applied the microbatch
	}
	if err == nil {
		err = c.waitApplied(ctx, b, plan, at.stamp.ID)
	}
	if err != nil {
		return fmt.Errorf("parked record %v: it is done, and whether all tasks show what it did is not known: %w", ref, err)
	}
	return nil
}

// SkipParked drops a parked record for good.
func (c *Client) SkipParked(ctx context.Context, ref ParkedRef) error {
	return c.orderParked(ctx, ref, runtime.ParkedSkip, nil)
}

// EditParked replaces the value of a parked record; the depot keeps the old one.
// Retry it then: it runs on the task of its partition, so its key should stay what
// it was. A value that does not decode is refused: ErrWrongRecord.
func (c *Client) EditParked(ctx context.Context, ref ParkedRef, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return c.orderParked(ctx, ref, runtime.ParkedEdit, value)
}

// orderParked has the owner of the record's task carry out an order.
func (c *Client) orderParked(ctx context.Context, ref ParkedRef, order runtime.ParkedOrder, value []byte) error {
	b, err := c.named(ctx, ref.Module)
	if err != nil {
		return err
	}
	if at := ref.at(b.tasks); at < 0 || int(at) >= b.tasks {
		return fmt.Errorf("parked record %v: module %s has the tasks 0 to %d: %w", ref, ref.Module, b.tasks-1, ErrNotParked)
	}
	if b, err = c.knowing(ctx, b, ref); err != nil {
		return err
	}
	if d := b.sourceOf(ref); ref.Event == "" && d != nil && d.Topic == "" && int(ref.Partition) >= d.Partitions(b.tasks) {
		return fmt.Errorf("parked record %v: the depot has the partitions 0 to %d: %w", ref, d.Partitions(b.tasks)-1, ErrNotParked)
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	a, err := c.ask(ctx, b, &wire.Request{Module: ref.Module, Task: ref.at(b.tasks), Parked: &wire.ParkedRequest{
		Order: uint8(order), Topology: ref.Topology, Source: ref.Source, Offset: ref.Offset, Step: ref.Step, Event: ref.Event, Value: value,
	}})
	if err != nil {
		return fmt.Errorf("parked record %v: whether the order was carried out is not known: %w", ref, err)
	}
	switch runtime.AnswerKind(a.Kind) {
	case runtime.AnswerDone, runtime.AnswerRejected:
		return nil
	case runtime.AnswerParked:
		place := Place{Module: ref.Module, Depot: b.depotOf(ref), Partition: ref.Partition, Offset: ref.Offset}
		return &FailedError{Place: place, Topology: ref.Topology, Text: a.Text, Attempt: c.attempts(ctx, ref), Parked: true, Retried: true}
	case runtime.AnswerWrong:
		return fmt.Errorf("parked record %v: %w: %s", ref, ErrWrongRecord, a.Text)
	case runtime.AnswerFailed:
		return fmt.Errorf("parked record %v: %w: %s", ref, ErrNotParked, a.Text)
	}
	return fmt.Errorf("parked record %v: %s", ref, a.Text)
}

// attempts is how many a parked record has had; 0: it cannot be read. The answer to an order does
// not tell.
func (c *Client) attempts(ctx context.Context, ref ParkedRef) int {
	p, err := c.FindParked(ctx, ref)
	if err != nil {
		return 0
	}
	return p.Attempts
}

// knowing finds the source of a parked record in the module's registration, which is read anew
// where the client's is of a version without it: no owner is asked about a record that cannot be.
func (c *Client) knowing(ctx context.Context, b *bound, ref ParkedRef) (*bound, error) {
	if b.hasSource(ref) {
		return b, nil
	}
	b, err := c.bind(ctx, ref.Module, nil)
	if err != nil || b.hasSource(ref) {
		return b, err
	}
	var sources []string
	for _, stream := range b.spread.Streams {
		for _, source := range stream.Sources {
			sources = append(sources, stream.Name+"/"+source.Name)
		}
	}
	return b, fmt.Errorf("parked record %v: module %s has no source %s of topology %s; it has %s: %w",
		ref, ref.Module, ref.Source, ref.Topology, names(sources, func(s string) string { return s }), ErrNotParked)
}

// hasSource: what a batch block puts aside has a topology alone.
func (b *bound) hasSource(ref ParkedRef) bool {
	return slices.ContainsFunc(b.spread.Streams, func(stream *module.StreamPlan) bool {
		return stream.Name == ref.Topology && (ref.Source == "" || slices.ContainsFunc(stream.Sources, func(s *module.SourcePlan) bool { return s.Name == ref.Source }))
	})
}

// depotOf is the depot that a source reads.
func (b *bound) depotOf(ref ParkedRef) string {
	if d := b.sourceOf(ref); d != nil {
		return d.Name
	}
	return ref.Source
}

func (b *bound) sourceOf(ref ParkedRef) *module.DepotPlan {
	for _, stream := range b.spread.Streams {
		for _, source := range stream.Sources {
			if stream.Name == ref.Topology && source.Name == ref.Source {
				return source.Depot
			}
		}
	}
	return nil
}
