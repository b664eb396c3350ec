package depottest

import (
	"errors"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// lookAgain is the pause before asking again for a topic that was made again: an
// implementation may remember for a moment what it knew of topics.
const lookAgain = 5 * time.Millisecond

// recreate deletes a topic, makes it again and waits until the log knows it:
// Ensure gives another id, and each partition has taken one record, "first".
func (b *bench) recreate(topic depot.Topic) depot.Topic {
	b.Helper()
	b.need(b.Recreate != nil, "Recreate")
	if err := b.Recreate(b.ctx, topic.Name); err != nil {
		b.Fatalf("Recreate: %v", err)
	}
	again := topic
	b.retry("Ensure gives another id", func() bool {
		again = b.ensure("words", topic.Partitions)
		return again.ID != topic.ID
	})
	if b.Other != nil {
		b.appender = b.Other()
	}
	for p := range int32(topic.Partitions) {
		b.retry("an append to the new topic", func() bool {
			_, err := b.tryAppend(topic.Name, p, depot.Record{Value: []byte("first")})
			if err != nil && !errors.Is(err, depot.ErrNotAppended) {
				b.Fatalf("Append to the new topic: %v", err)
			}
			return err == nil
		})
	}
	return again
}

// retry tries until something comes true.
func (b *bench) retry(what string, try func() bool) {
	b.Helper()
	for !try() {
		select {
		case <-b.ctx.Done():
			b.Fatalf("after the topic was made again, waiting in vain: %s", what)
		case <-time.After(lookAgain):
		}
	}
}

// recreatedPosition: T23; the old position is inside the new log.
func recreatedPosition(b *bench) {
	topic := b.ensure("words", 2)
	b.appendValues(topic.Name, 0, numbers(5)...)
	again := b.recreate(topic)
	b.appendValues(again.Name, 0, numbers(10)...)
	for _, offset := range []int64{0, 5, 10} {
		c := b.beside(again)
		c.assignBad(from(topic, 0, offset))
		c.wantFault(again, depot.ErrRecreated)
	}
}

// recreatedUnderReader: T23; another topic of the same reader goes on.
func recreatedUnderReader(b *bench) {
	topic, other := b.ensure("words", 1), b.ensure("others", 1)
	b.need(b.Recreate != nil, "Recreate")
	c := b.collect()
	c.assign(from(topic, 0, 0), from(other, 0, 0))
	b.appendValues(topic.Name, 0, "a", "b")
	c.untilCount(topic.Name, 0, 2)
	c.forget(topic.Name, 0)
	b.recreate(topic)
	b.appendValues(topic.Name, 0, "new a", "new b", "new c")
	c.untilFault(topic.Name, 0, depot.ErrRecreated)
	if n := len(c.records[place{topic.Name, 0}]); n != 0 {
		b.Fatalf("a recreated topic delivered %d records to a reader of the old one", n)
	}
	c.progress(other.Name, 0)
}

func recreatedUnchecked(b *bench) {
	topic := b.ensure("words", 1)
	b.appendValues(topic.Name, 0, "old")
	b.recreate(topic)
	topic.ID = [16]byte{}
	offset := b.append(topic.Name, 0, depot.Record{Value: []byte("new")})
	c := b.collect()
	c.assign(from(topic, 0, 0))
	c.untilCount(topic.Name, 0, 2)
	c.wantValues(topic.Name, 0, []string{"first", "new"}, []int64{0, offset})
}

// recreatedAppend: a client that appended to the old topic appends to the new one
// or says that it does not; it never leaves the outcome open.
func recreatedAppend(b *bench) {
	topic := b.ensure("words", 1)
	b.appendValues(topic.Name, 0, "old")
	again := b.recreate(topic)
	b.appender = b.Log
	offset, err := b.tryAppend(topic.Name, 0, depot.Record{Value: []byte("new")})
	if err != nil && !errors.Is(err, depot.ErrNotAppended) {
		b.Fatalf("Append: %v, want none or ErrNotAppended", err)
	}
	values, offsets := []string{"first"}, []int64{0}
	if err == nil {
		values, offsets = append(values, "new"), append(offsets, offset)
	}
	if b.Other != nil {
		b.appender = b.Other()
	}
	b.retry("a last append", func() bool {
		last, err := b.tryAppend(topic.Name, 0, depot.Record{Value: []byte("last")})
		if err == nil {
			values, offsets = append(values, "last"), append(offsets, last)
		}
		return err == nil
	})
	c := b.collect()
	c.assign(from(again, 0, 0))
	c.untilCount(topic.Name, 0, len(values))
	c.wantValues(topic.Name, 0, values, offsets)
}
