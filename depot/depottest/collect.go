package depottest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// assignPause is how long an assignment that may pass waits for its next try.
const assignPause = 20 * time.Millisecond

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// collector polls a reader and keeps what it delivers.
type collector struct {
	*bench
	reader     depot.Reader
	records    map[place][]depot.Record
	deliveries map[place]int // with records
	faults     map[place]error
}

// collect opens a reader that ends with the subtest.
func (b *bench) collect() *collector {
	b.Helper()
	reader, err := b.Log.Reader(b.ctx)
	if err != nil {
		b.Fatalf("Reader: %v", err)
	}
	b.Cleanup(func() {
		if err := reader.Close(); err != nil {
			b.Errorf("Reader.Close: %v", err)
		}
	})
	return &collector{b, reader, map[place][]depot.Record{}, map[place]int{}, map[place]error{}}
}

// from is a position in a topic without a leader epoch.
func from(topic depot.Topic, partition int32, offset int64) depot.Position {
	return depot.Position{Topic: topic.Name, TopicID: topic.ID, Partition: partition, Offset: offset, LeaderEpoch: -1}
}

// after is the position behind a record.
func after(topic depot.Topic, r depot.Record) depot.Position {
	return depot.Position{Topic: topic.Name, TopicID: topic.ID, Partition: r.Partition, Offset: r.Offset + 1, LeaderEpoch: r.LeaderEpoch}
}

func (c *collector) assign(positions ...depot.Position) {
	c.Helper()
	if err := c.tryAssign(positions...); err != nil {
		c.Fatalf("Assign: %v", err)
	}
}

// assignBad assigns one position that may be refused: an error of Assign counts as
// the fault of the partition.
func (c *collector) assignBad(p depot.Position) {
	if err := c.tryAssign(p); err != nil {
		c.faults[place{p.Topic, p.Partition}] = err
	}
}

// tryAssign tries again what may pass, as callers do, until the subtest is over.
func (c *collector) tryAssign(positions ...depot.Position) error {
	for {
		err := c.reader.Assign(positions...)
		if err == nil || errors.Is(err, depot.ErrOutOfRange) || errors.Is(err, depot.ErrRecreated) {
			return err
		}
		select {
		case <-c.ctx.Done():
			return err
		case <-time.After(assignPause):
		}
	}
}

// poll polls once and checks the form of what is delivered: at most one delivery
// for a partition, with records or a fault, the offsets growing, and nothing after
// a fault.
func (c *collector) poll(ctx context.Context) error {
	c.Helper()
	seen := map[place]bool{}
	return c.reader.Poll(ctx, 0, func(d depot.Delivery) {
		at := place{d.Topic, d.Partition}
		if seen[at] {
			c.Errorf("Poll: two deliveries of %v in one poll", at)
		}
		seen[at] = true
		if err := c.faults[at]; err != nil {
			c.Errorf("Poll: a delivery of %v after its fault %v", at, err)
		}
		switch {
		case d.Fault != nil:
			c.faults[at] = d.Fault
		case len(d.Records) == 0:
			c.Errorf("Poll: an empty delivery of %v", at)
		default:
			c.keep(at, d.Records)
		}
	})
}

func (c *collector) keep(at place, records []depot.Record) {
	c.Helper()
	for _, r := range records {
		if r.Partition != at.partition {
			c.Errorf("Poll: a record of partition %d in a delivery of %v", r.Partition, at)
		}
		if have := c.records[at]; len(have) > 0 && r.Offset <= have[len(have)-1].Offset {
			c.Errorf("Poll: %v: offset %d after %d", at, r.Offset, have[len(have)-1].Offset)
		}
		c.records[at] = append(c.records[at], r)
	}
	c.deliveries[at]++
}

// until polls until the condition holds.
func (c *collector) until(what string, holds func() bool) {
	c.Helper()
	for !holds() {
		if err := c.poll(c.ctx); err != nil {
			c.Fatalf("waiting for %s: Poll: %v; have %s", what, err, c.summary())
		}
	}
}

// untilCount polls until a partition has delivered n records.
func (c *collector) untilCount(topic string, partition int32, n int) []depot.Record {
	c.Helper()
	at := place{topic, partition}
	c.until(fmt.Sprintf("%d records of %v", n, at), func() bool { return len(c.records[at]) >= n || c.faults[at] != nil })
	if err := c.faults[at]; err != nil {
		c.Fatalf("%v: fault %v", at, err)
	}
	return c.records[at]
}

// untilFault polls until a partition has a fault and checks its class.
func (c *collector) untilFault(topic string, partition int32, class error) {
	c.Helper()
	at := place{topic, partition}
	c.until(fmt.Sprintf("a fault of %v", at), func() bool { return c.faults[at] != nil })
	if err := c.faults[at]; !errors.Is(err, class) {
		c.Fatalf("%v: fault %v, want %v", at, err, class)
	}
}

// forget drops what was delivered of a partition, before it is assigned again.
func (c *collector) forget(topic string, partition int32) {
	at := place{topic, partition}
	delete(c.records, at)
	delete(c.deliveries, at)
	delete(c.faults, at)
}

// wantValues compares the records of a partition with values and offsets.
func (c *collector) wantValues(topic string, partition int32, values []string, offsets []int64) {
	c.Helper()
	var gotValues []string
	var gotOffsets []int64
	for _, r := range c.records[place{topic, partition}] {
		gotValues, gotOffsets = append(gotValues, string(r.Value)), append(gotOffsets, r.Offset)
	}
	if !slices.Equal(gotValues, values) || !slices.Equal(gotOffsets, offsets) {
		c.Fatalf("topic %s partition %d: read %q at %v, want %q at %v", topic, partition, gotValues, gotOffsets, values, offsets)
	}
}

func (c *collector) summary() string {
	s := ""
	for at, records := range c.records {
		s += fmt.Sprintf("%v: %d records; ", at, len(records))
	}
	for at, err := range c.faults {
		s += fmt.Sprintf("%v: fault %v; ", at, err)
	}
	return s
}
