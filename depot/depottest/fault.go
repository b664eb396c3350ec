package depottest

import (
	"errors"

	"github.com/coppice-run/coppice/depot"
)

// A fault that is there when a partition is assigned may be the error of Assign or
// come from Poll; one that arises later comes from Poll.
var faultCases = []subtest{
	{"a position beyond the end", beyondEnd},
	{"a position below zero", belowZero},
	{"a position below the start", belowStart},
	{"a bad position among good ones", amongGood},
	{"the start is a position", atStart},
	{"a cut below a reader that lags", cutUnderReader},
	{"a cut behind a reader", cutBehindReader},
	{"a truncated log under a reader", truncatedUnderReader},
	{"a truncated log that has grown again", truncatedGrown},
	{"a truncation after the position", truncatedAfter},
	{"a log that ends before what was read", endsBeforeReached},
	{"a log that ends where reading did", endsAtReached},
	{"another topic id", otherID},
	{"a recreated topic and its old position", recreatedPosition},
	{"a recreated topic under a reader", recreatedUnderReader},
	{"a recreated topic without an id to check", recreatedUnchecked},
	{"an append to a recreated topic", recreatedAppend},
}

// beside is a collector that also reads partition 1 of the topic, which has no
// fault.
func (b *bench) beside(topic depot.Topic) *collector {
	b.Helper()
	c := b.collect()
	c.assign(from(topic, 1, 0))
	c.progress(topic.Name, 1)
	return c
}

// wantFault checks the fault of partition 0, that nothing follows it, and that
// partition 1 goes on.
func (c *collector) wantFault(topic depot.Topic, class error) {
	c.Helper()
	c.untilFault(topic.Name, 0, class)
	c.progress(topic.Name, 1)
	if n := len(c.records[place{topic.Name, 0}]); n != 0 {
		c.Fatalf("partition 0 delivered %d records, the first at offset %d, instead of a fault", n, c.records[place{topic.Name, 0}][0].Offset)
	}
}

func beyondEnd(b *bench) {
	for _, beyond := range []int64{1, 1000} {
		topic := b.ensure("words", 2)
		b.appendValues(topic.Name, 0, "a", "b")
		_, end := b.bounds(topic.Name, 0)
		c := b.beside(topic)
		c.assignBad(from(topic, 0, end+beyond))
		c.wantFault(topic, depot.ErrOutOfRange)
	}
}

func belowZero(b *bench) {
	for _, offset := range []int64{-1, -2, -3} { // some protocols give these a meaning of their own
		topic := b.ensure("words", 2)
		b.appendValues(topic.Name, 0, "a", "b")
		c := b.beside(topic)
		c.assignBad(from(topic, 0, offset))
		c.wantFault(topic, depot.ErrOutOfRange)
	}
}

// amongGood assigns three positions at once, one of them bad. Assign either refuses
// them all, and the good ones can be assigned alone; or takes them all, and Poll
// delivers the fault.
func amongGood(b *bench) {
	topic := b.ensure("words", 3)
	offsets := make([][]int64, 3)
	for p := range int32(3) {
		offsets[p] = b.appendValues(topic.Name, p, "a", "b")
	}
	_, end := b.bounds(topic.Name, 0)
	c := b.collect()
	err := c.tryAssign(from(topic, 1, 0), from(topic, 0, end+1), from(topic, 2, offsets[2][1]))
	if err != nil {
		c.faults[place{topic.Name, 0}] = err
		c.assign(from(topic, 1, 0), from(topic, 2, offsets[2][1])) // twice read, a record comes twice
	}
	c.untilCount(topic.Name, 1, 2)
	c.untilCount(topic.Name, 2, 1)
	c.wantFault(topic, depot.ErrOutOfRange)
	if got := c.records[place{topic.Name, 1}]; got[0].Offset != offsets[1][0] || got[1].Offset != offsets[1][1] {
		b.Errorf("partition 1: read from offset %d on, want %v", got[0].Offset, offsets[1])
	}
	c.wantValues(topic.Name, 2, []string{"b"}, offsets[2][1:])
}

// cut deletes the records of partition 0 below an offset and checks the bounds.
func (b *bench) cut(topic depot.Topic, below int64) {
	b.Helper()
	b.need(b.Cut != nil, "Cut")
	if err := b.Cut(b.ctx, topic.Name, 0, below); err != nil {
		b.Fatalf("Cut: %v", err)
	}
	if start, _ := b.bounds(topic.Name, 0); start != below {
		b.Fatalf("the log was cut below %d and starts at %d", below, start)
	}
}

// belowStart: T22.
func belowStart(b *bench) {
	topic := b.ensure("words", 2)
	offsets := b.appendValues(topic.Name, 0, numbers(10)...)
	b.cut(topic, offsets[5])
	for _, i := range []int{0, 4} {
		c := b.beside(topic)
		c.assignBad(from(topic, 0, offsets[i]))
		c.wantFault(topic, depot.ErrOutOfRange)
	}
}

func atStart(b *bench) {
	topic := b.ensure("words", 1)
	values := numbers(10)
	offsets := b.appendValues(topic.Name, 0, values...)
	_, end := b.bounds(topic.Name, 0)
	b.cut(topic, offsets[5])
	c := b.collect()
	c.assign(from(topic, 0, offsets[5]))
	c.untilCount(topic.Name, 0, 5)
	c.wantValues(topic.Name, 0, values[5:], offsets[5:])
	b.cut(topic, end)
	c = b.collect()
	c.assign(from(topic, 0, end))
	last := b.append(topic.Name, 0, depot.Record{Value: []byte("last")})
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"last"}, []int64{last})
}

// cutUnderReader: T22; the reader may have fetched records before the cut and
// deliver them, but it never goes on behind records that it lost.
func cutUnderReader(b *bench) {
	topic := b.ensure("words", 2)
	b.need(b.Cut != nil, "Cut")
	offsets := b.appendValues(topic.Name, 0, numbers(10)...)
	c := b.beside(topic)
	c.assign(from(topic, 0, 0))
	b.cut(topic, offsets[5])
	offsets = append(offsets, b.appendValues(topic.Name, 0, "10")...)
	at := place{topic.Name, 0}
	c.until("a fault or all records", func() bool { return c.faults[at] != nil || len(c.records[at]) == len(offsets) })
	for i, r := range c.records[at] {
		if r.Offset != offsets[i] {
			b.Fatalf("record %d has offset %d, want %d: the reader jumped", i, r.Offset, offsets[i])
		}
	}
	if err := c.faults[at]; err != nil && !errors.Is(err, depot.ErrOutOfRange) {
		b.Fatalf("fault %v, want ErrOutOfRange", err)
	}
	c.progress(topic.Name, 1)
}

// cutBehindReader: what was read may go.
func cutBehindReader(b *bench) {
	topic := b.ensure("words", 1)
	b.need(b.Cut != nil, "Cut")
	c := b.collect()
	c.assign(from(topic, 0, 0))
	offsets := b.appendValues(topic.Name, 0, "a", "b")
	c.untilCount(topic.Name, 0, 2)
	b.cut(topic, offsets[1]+1) // the reader's position; the end may lie behind a gap
	offsets = append(offsets, b.appendValues(topic.Name, 0, "c")...)
	c.untilCount(topic.Name, 0, 3)
	c.wantValues(topic.Name, 0, []string{"a", "b", "c"}, offsets)
}

func (b *bench) truncate(topic depot.Topic, to int64) {
	b.Helper()
	b.need(b.Truncate != nil, "Truncate")
	if err := b.Truncate(b.ctx, topic.Name, 0, to); err != nil {
		b.Fatalf("Truncate: %v", err)
	}
	if _, end := b.bounds(topic.Name, 0); end != to {
		b.Fatalf("the log was truncated to %d and ends at %d", to, end)
	}
}

// truncatedUnderReader: T20.
func truncatedUnderReader(b *bench) {
	topic := b.ensure("words", 2)
	b.need(b.Truncate != nil, "Truncate")
	c := b.beside(topic)
	c.assign(from(topic, 0, 0))
	offsets := b.appendValues(topic.Name, 0, numbers(10)...)
	c.untilCount(topic.Name, 0, 10)
	c.forget(topic.Name, 0)
	b.truncate(topic, offsets[5])
	b.appendValues(topic.Name, 0, numbers(20)...) // beyond the reader's position
	c.wantFault(topic, depot.ErrOutOfRange)
}

// truncatedGrown: T20; the offset is inside the log, only the leader epoch tells
// that the record before it is another one.
func truncatedGrown(b *bench) {
	topic := b.ensure("words", 2)
	b.need(b.Truncate != nil, "Truncate")
	offsets := b.appendValues(topic.Name, 0, numbers(10)...)
	c := b.collect()
	c.assign(from(topic, 0, 0))
	last := c.untilCount(topic.Name, 0, 10)[9]
	b.truncate(topic, offsets[5])
	b.appendValues(topic.Name, 0, numbers(20)...)
	c = b.beside(topic)
	c.assignBad(after(topic, last))
	c.wantFault(topic, depot.ErrOutOfRange)
}

func truncatedAfter(b *bench) {
	topic := b.ensure("words", 1)
	b.need(b.Truncate != nil, "Truncate")
	offsets := b.appendValues(topic.Name, 0, numbers(10)...)
	c := b.collect()
	c.assign(from(topic, 0, 0))
	kept := c.untilCount(topic.Name, 0, 10)[4]
	b.truncate(topic, offsets[5])
	offset := b.append(topic.Name, 0, depot.Record{Value: []byte("new")})
	c = b.collect()
	c.assign(after(topic, kept))
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"new"}, []int64{offset})
}

// endsBeforeReached: T20; the position itself is inside the log.
func endsBeforeReached(b *bench) {
	topic := b.ensure("words", 2)
	offsets := b.appendValues(topic.Name, 0, "a", "b", "c")
	_, end := b.bounds(topic.Name, 0)
	c := b.beside(topic)
	p := from(topic, 0, offsets[1])
	p.Reached = end + 1
	c.assignBad(p)
	c.wantFault(topic, depot.ErrOutOfRange)
}

func endsAtReached(b *bench) {
	topic := b.ensure("words", 1)
	values := []string{"a", "b", "c"}
	offsets := b.appendValues(topic.Name, 0, values...)
	p := from(topic, 0, offsets[1])
	_, p.Reached = b.bounds(topic.Name, 0)
	c := b.collect()
	c.assign(p)
	c.untilCount(topic.Name, 0, 2)
	c.wantValues(topic.Name, 0, values[1:], offsets[1:])
}

// otherID: T23, without a hook.
func otherID(b *bench) {
	topic := b.ensure("words", 2)
	b.appendValues(topic.Name, 0, "a")
	c := b.beside(topic)
	p := from(topic, 0, 0)
	p.TopicID[0] ^= 0xff
	c.assignBad(p)
	c.wantFault(topic, depot.ErrRecreated)
}
