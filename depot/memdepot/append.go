package memdepot

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// Append keeps a copy of the record and calls done before it returns. The log is
// not locked while done runs: done may call the log.
func (l *Log) Append(ctx context.Context, topic string, partition int32, record depot.Record, level depot.Level, done func(offset int64, err error)) {
	offset, err := l.append(ctx, topic, partition, record)
	switch {
	case err != nil && (level == depot.Replicated || depot.RecordBytes(&record) > depot.RecordBytesMax):
		done(-1, err)
	case level == depot.None:
		done(-1, nil)
	default:
		done(offset, nil)
	}
}

func (l *Log) append(ctx context.Context, topic string, number int32, record depot.Record) (int64, error) {
	if n := depot.RecordBytes(&record); n > depot.RecordBytesMax {
		return -1, fmt.Errorf("%w: topic %s: key, value and headers have %d bytes, at most %d are allowed", depot.ErrTooLarge, topic, n, depot.RecordBytesMax)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "topic "+topic); err != nil {
		return -1, fmt.Errorf("%w: %w", depot.ErrNotAppended, err)
	}
	_, p, err := l.find(topic, number)
	if err != nil {
		return -1, fmt.Errorf("%w: %w", depot.ErrNotAppended, err)
	}
	offset := p.append(record, l.clock(), l.gap)
	l.wake()
	return offset, nil
}

// Bounds returns the first offset of a partition and the one behind its last,
// with the gap behind it.
func (l *Log) Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "bounds of topic "+topic); err != nil {
		return 0, 0, err
	}
	_, p, err := l.find(topic, partition)
	if err != nil {
		return 0, 0, err
	}
	return p.start, p.next, nil
}

// OffsetAfter returns the offset of the first record appended after t, or the
// partition's end.
func (l *Log) OffsetAfter(ctx context.Context, topic string, partition int32, t time.Time) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "position by time in topic "+topic); err != nil {
		return 0, err
	}
	_, p, err := l.find(topic, partition)
	if err != nil {
		return 0, err
	}
	return p.after(t), nil
}
