package memdepot

import (
	"bytes"
	"context"
	"fmt"

	"github.com/coppice-run/coppice/depot"
)

// writer is what the log knows of a task's transactions.
type writer struct {
	opened   uint64 // transactors so far
	position []byte
}

// transactor is a depot.Transactor in memory.
type transactor struct {
	log    *Log
	id     depot.TransactorID
	number uint64
	over   error
}

// Make makes a topic that is no depot, as an operator would. One that exists is as
// good.
func (l *Log) Make(_ context.Context, name string, partitions int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if partitions < 1 {
		return fmt.Errorf("topic %s: a topic has at least 1 partition, not %d", name, partitions)
	}
	if l.topics[name] != nil {
		return nil
	}
	t := l.make(depot.TopicSpec{Partitions: partitions})
	t.foreign = true
	l.topics[name] = t
	return nil
}

// Lookup finds a topic.
func (l *Log) Lookup(ctx context.Context, name string) (depot.Topic, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "looking up topic "+name); err != nil {
		return depot.Topic{}, err
	}
	t, _, err := l.find(name, 0)
	if err != nil {
		return depot.Topic{}, err
	}
	return depot.Topic{Name: name, ID: t.id, Partitions: len(t.partitions)}, nil
}

// Transactor opens the transactor of a task.
func (l *Log) Transactor(ctx context.Context, id depot.TransactorID) (depot.Transactor, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "opening a transactor"); err != nil {
		return nil, nil, err
	}
	w := l.writers[id]
	if w == nil {
		w = &writer{}
		if l.writers == nil {
			l.writers = map[depot.TransactorID]*writer{}
		}
		l.writers[id] = w
	}
	w.opened++
	return &transactor{log: l, id: id, number: w.opened}, bytes.Clone(w.position), nil
}

// Write writes the records and the position.
func (t *transactor) Write(ctx context.Context, records []depot.TopicRecord, position []byte) error {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	if t.over == nil {
		t.over = t.write(ctx, records, position)
	}
	return t.over
}

func (t *transactor) write(ctx context.Context, records []depot.TopicRecord, position []byte) error {
	l := t.log
	if err := l.usable(ctx, "a transaction"); err != nil {
		return fmt.Errorf("%w: %w", depot.ErrNotAppended, err)
	}
	w := l.writers[t.id]
	if w.opened != t.number {
		return fmt.Errorf("%w: module %s task %d", depot.ErrFenced, t.id.Module, t.id.Task)
	}
	if len(position) > depot.PositionBytesMax {
		return fmt.Errorf("%w: a position of %d bytes, at most %d are allowed", depot.ErrNotAppended, len(position), depot.PositionBytesMax)
	}
	into := make([]*partition, len(records))
	for i := range records {
		r := &records[i]
		if n := depot.RecordBytes(&r.Record); n > depot.RecordBytesMax {
			return fmt.Errorf("%w: %w: topic %s: key, value and headers have %d bytes, at most %d are allowed", depot.ErrNotAppended, depot.ErrTooLarge, r.Topic, n, depot.RecordBytesMax)
		}
		var err error
		if _, into[i], err = l.find(r.Topic, r.Partition); err != nil {
			return fmt.Errorf("%w: %w", depot.ErrNotAppended, err)
		}
	}
	for i := range records {
		into[i].append(records[i].Record, l.clock(), l.gap)
	}
	w.position = bytes.Clone(position)
	l.wake()
	return nil
}

// Close gives the transactor up.
func (t *transactor) Close() error {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	if t.over == nil {
		t.over = fmt.Errorf("%w: the transactor is %w", depot.ErrNotAppended, ErrClosed)
	}
	return nil
}
