package memdepot

import (
	"context"
	"fmt"
)

// Cut deletes the records of a partition below an offset, as retention and
// DeleteRecords do (T22). The offset may be the end, not beyond it. A reader
// whose position is below it faults with depot.ErrOutOfRange.
func (l *Log) Cut(topic string, number int32, belowOffset int64) error {
	return l.damage(topic, number, func(p *partition) error { return p.cut(belowOffset) })
}

// Trim deletes the records of a partition below an offset.
func (l *Log) Trim(ctx context.Context, topic string, number int32, below int64) error {
	l.mu.Lock()
	err := l.usable(ctx, "trimming topic "+topic)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Cut(topic, number, below)
}

// Truncate deletes the records of a partition from an offset on and begins a new
// leader epoch, as an unclean election does (T20); at the partition's end it deletes
// nothing, like a clean one. The next record takes the offset toOffset. A reader whose position is beyond it faults with
// depot.ErrOutOfRange, also after the log has grown past that position if the
// reader knows the leader epoch.
func (l *Log) Truncate(topic string, number int32, toOffset int64) error {
	return l.damage(topic, number, func(p *partition) error { return p.truncate(toOffset) })
}

// Skip leaves n offsets of a partition unused, as the markers of transactions do
// (T25): the next record takes the offset behind them, and they belong to the leader
// epoch that stands.
func (l *Log) Skip(topic string, number int32, n int64) error {
	return l.damage(topic, number, func(p *partition) error {
		p.next += n
		return nil
	})
}

func (l *Log) damage(topic string, number int32, do func(*partition) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, p, err := l.find(topic, number)
	if err != nil {
		return err
	}
	if err := do(p); err != nil {
		return fmt.Errorf("topic %s partition %d: %w", topic, number, err)
	}
	l.wake()
	return nil
}

// Recreate deletes a topic and makes it again: empty, from offset 0, with another
// id (T23). A reader that knows the old id faults with depot.ErrRecreated.
func (l *Log) Recreate(topic string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, _, err := l.find(topic, 0)
	if err != nil {
		return err
	}
	again := l.make(t.spec)
	again.foreign = t.foreign
	l.topics[topic] = again
	l.wake()
	return nil
}
