package memdepot

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// partition is one log of records. Its owner locks it.
type partition struct {
	number  int32
	start   int64 // first offset that is kept
	next    int64 // offset of the next record
	records []depot.Record
	epochs  []epoch // growing; never empty
}

// epoch is a leader epoch and the offset at which it began.
type epoch struct {
	number int32
	start  int64
}

func newPartition(number int32) *partition {
	return &partition{number: number, epochs: []epoch{{0, 0}}}
}

func (p *partition) epoch() int32 { return p.epochs[len(p.epochs)-1].number }

// append adds a copy of a record and leaves gap offsets unused behind it.
func (p *partition) append(r depot.Record, now time.Time, gap int64) int64 {
	kept := depot.Record{
		Partition: p.number, LeaderEpoch: p.epoch(), Offset: p.next, Time: now.Truncate(time.Millisecond),
		Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value),
	}
	for _, h := range r.Headers {
		kept.Headers = append(kept.Headers, depot.Header{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	p.records = append(p.records, kept)
	p.next += 1 + gap
	return kept.Offset
}

// from returns up to limit records at or after an offset.
func (p *partition) from(offset int64, limit int) []depot.Record {
	i := p.index(offset)
	return slices.Clone(p.records[i:min(i+limit, len(p.records))])
}

// index is that of the first record at or after an offset.
func (p *partition) index(offset int64) int {
	return sort.Search(len(p.records), func(i int) bool { return p.records[i].Offset >= offset })
}

// after returns the offset of the first record with a time after t, or the end.
// It looks at every record: times need not grow.
func (p *partition) after(t time.Time) int64 {
	for i := range p.records {
		if p.records[i].Time.After(t) {
			return p.records[i].Offset
		}
	}
	return p.next
}

// cut forgets the records below an offset.
func (p *partition) cut(below int64) error {
	if below > p.next {
		return fmt.Errorf("cutting below %d: %w: the log ends at %d", below, depot.ErrOutOfRange, p.next)
	}
	if below > p.start {
		p.records = slices.Clone(p.records[p.index(below):])
		p.start = below
	}
	return nil
}

// truncate forgets the records from an offset on; a new leader goes on from it.
func (p *partition) truncate(to int64) error {
	if to < p.start || to > p.next {
		return fmt.Errorf("truncating to %d: the log holds %d to %d", to, p.start, p.next)
	}
	leader := p.epoch() + 1
	p.records = slices.Clone(p.records[:p.index(to)])
	p.next = to
	p.epochs = slices.DeleteFunc(p.epochs, func(e epoch) bool { return e.start >= to })
	p.epochs = append(p.epochs, epoch{leader, to})
	return nil
}

// check says why reading cannot start at a position: it lies outside the log, or
// the records before it are not the ones that the reader knows (T20, T22).
func (p *partition) check(at depot.Position) error {
	if at.Offset < p.start || at.Offset > p.next {
		return fmt.Errorf("%w: topic %s partition %d: the next record is number %d, and the log holds %d up to %d; records were deleted or the log was cut",
			depot.ErrOutOfRange, at.Topic, at.Partition, at.Offset, p.start, p.next)
	}
	if at.Reached > p.next {
		return fmt.Errorf("%w: topic %s partition %d: records up to %d were read, and the log ends at %d; the log was truncated",
			depot.ErrOutOfRange, at.Topic, at.Partition, at.Reached, p.next)
	}
	if end := p.end(at.LeaderEpoch); at.Offset > end {
		return fmt.Errorf("%w: topic %s partition %d: the next record is number %d, and of leader epoch %d the log holds only those below %d; the log was truncated",
			depot.ErrOutOfRange, at.Topic, at.Partition, at.Offset, at.LeaderEpoch, end)
	}
	return nil
}

// end is the offset behind the last record of a leader epoch or of one before it.
func (p *partition) end(leader int32) int64 {
	if leader < 0 {
		return p.next // unknown: nothing to compare with
	}
	for _, e := range p.epochs {
		if e.number > leader {
			return e.start
		}
	}
	return p.next
}
