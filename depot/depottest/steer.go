package depottest

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
)

// The caller of these steers between polls, from the goroutine that polls, as a
// worker does.
var steerCases = []subtest{
	{"assign between polls", assignBetween},
	{"unassign stops a partition", unassignStops},
	{"assign again after unassign", assignAgain},
	{"assign again behind what was read", assignBehind},
	{"pause and resume", pauseResume},
	{"pause holds back what is there", pauseBacklog},
	{"a pause ends with its assignment", pauseEnds},
	{"unassign what is not assigned", unassignNothing},
}

func assignBetween(b *bench) {
	topic, other := b.ensure("words", 3), b.ensure("others", 1)
	c := b.collect()
	var want []int64
	for p := range int32(3) {
		offsets := b.appendValues(topic.Name, p, "a", "b")
		c.assign(from(topic, p, 0))
		c.untilCount(topic.Name, p, 2)
		c.wantValues(topic.Name, p, []string{"a", "b"}, offsets)
		if p == 0 {
			want = offsets
		}
	}
	offsets := b.appendValues(other.Name, 0, "x")
	c.assign(from(other, 0, 0))
	c.untilCount(other.Name, 0, 1)
	c.wantValues(other.Name, 0, []string{"x"}, offsets)
	want = append(want, b.appendValues(topic.Name, 0, "c")...) // the first still runs
	c.untilCount(topic.Name, 0, 3)
	c.wantValues(topic.Name, 0, []string{"a", "b", "c"}, want)
}

// progress appends to a partition and reads it, some times: whatever the reader
// has fetched of others until then, it has had the occasion to deliver.
func (c *collector) progress(topic string, partition int32) {
	c.Helper()
	at := place{topic, partition}
	for range 5 {
		offset := c.append(topic, partition, depot.Record{Value: []byte("progress")})
		c.until(fmt.Sprintf("offset %d of %v", offset, at), func() bool {
			have := c.records[at]
			return c.faults[at] != nil || len(have) > 0 && have[len(have)-1].Offset >= offset
		})
		if err := c.faults[at]; err != nil {
			c.Fatalf("%v: fault %v", at, err)
		}
	}
}

func unassignStops(b *bench) {
	topic := b.ensure("words", 2)
	c := b.collect()
	c.assign(from(topic, 0, 0), from(topic, 1, 0))
	b.appendValues(topic.Name, 0, "a")
	c.untilCount(topic.Name, 0, 1)
	b.appendValues(topic.Name, 0, "fetched, perhaps")
	c.progress(topic.Name, 1)
	read := len(c.records[place{topic.Name, 0}])
	b.appendValues(topic.Name, 0, "fetched, perhaps")
	c.reader.Unassign(topic.Name, 0)
	b.appendValues(topic.Name, 0, "never fetched")
	c.progress(topic.Name, 1)
	if n := len(c.records[place{topic.Name, 0}]); n != read {
		b.Fatalf("an unassigned partition delivered %d records", n-read)
	}
}

func assignAgain(b *bench) {
	topic := b.ensure("words", 2)
	c := b.collect()
	c.assign(from(topic, 0, 0), from(topic, 1, 0))
	values := numbers(10)
	offsets := b.appendValues(topic.Name, 0, values...)
	c.untilCount(topic.Name, 0, 10)
	for _, start := range []int{0, 5} {
		c.reader.Unassign(topic.Name, 0)
		c.forget(topic.Name, 0)
		c.assign(from(topic, 0, offsets[start]))
		c.untilCount(topic.Name, 0, 10-start)
		c.wantValues(topic.Name, 0, values[start:], offsets[start:])
	}
	c.progress(topic.Name, 1)
	c.wantValues(topic.Name, 0, values[5:], offsets[5:])
}

// assignBehind is what an owner does that takes a partition up again.
func assignBehind(b *bench) {
	topic := b.ensure("words", 1)
	c := b.collect()
	c.assign(from(topic, 0, 0))
	var offsets []int64
	values := numbers(12)
	for i, v := range values {
		offsets = append(offsets, b.appendValues(topic.Name, 0, v)...)
		records := c.untilCount(topic.Name, 0, i+1)
		if i%4 == 3 {
			c.reader.Unassign(topic.Name, 0)
			c.assign(after(topic, records[i]))
		}
	}
	c.wantValues(topic.Name, 0, values, offsets)
}

// pauseResume: records fetched before the pause may be delivered once; whatever is
// held back is delivered after it, each record once.
func pauseResume(b *bench) {
	topic := b.ensure("words", 2)
	c := b.collect()
	c.assign(from(topic, 0, 0), from(topic, 1, 0))
	values := numbers(10)
	offsets := b.appendValues(topic.Name, 0, values[:1]...)
	c.untilCount(topic.Name, 0, 1)
	for round := range 3 {
		c.reader.Pause(topic.Name, 0)
		before := c.deliveries[place{topic.Name, 0}]
		for i := range 3 {
			offsets = append(offsets, b.appendValues(topic.Name, 0, values[1+3*round+i])...)
			c.progress(topic.Name, 1)
		}
		if n := c.deliveries[place{topic.Name, 0}] - before; n > 1 {
			b.Errorf("round %d: a paused partition delivered %d times", round, n)
		}
		c.reader.Resume(topic.Name, 0)
		c.untilCount(topic.Name, 0, len(offsets))
		c.wantValues(topic.Name, 0, values[:len(offsets)], offsets)
	}
}

func pauseBacklog(b *bench) {
	topic := b.ensure("words", 2)
	values := numbers(50)
	offsets := b.appendValues(topic.Name, 0, values...)
	c := b.collect()
	c.assign(from(topic, 0, 0), from(topic, 1, 0))
	c.reader.Pause(topic.Name, 0)
	c.progress(topic.Name, 1)
	if n := c.deliveries[place{topic.Name, 0}]; n > 1 {
		b.Errorf("a paused partition delivered %d times", n)
	}
	c.reader.Resume(topic.Name, 0)
	c.untilCount(topic.Name, 0, len(values))
	c.wantValues(topic.Name, 0, values, offsets)
}

// pauseEnds: T32.
func pauseEnds(b *bench) {
	topic := b.ensure("words", 1)
	c := b.collect()
	c.assign(from(topic, 0, 0))
	c.reader.Pause(topic.Name, 0)
	c.reader.Unassign(topic.Name, 0)
	offsets := b.appendValues(topic.Name, 0, "a")
	c.assign(from(topic, 0, 0))
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"a"}, offsets)
}

func unassignNothing(b *bench) {
	topic := b.ensure("words", 2)
	c := b.collect()
	c.reader.Unassign(topic.Name, 1)
	c.assign(from(topic, 0, 0))
	c.reader.Unassign(topic.Name, 1)
	c.reader.Resume(topic.Name, 0)
	offset := b.append(topic.Name, 0, depot.Record{Value: []byte("a")})
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"a"}, []int64{offset})
}
