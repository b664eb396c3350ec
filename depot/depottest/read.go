package depottest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/coppice-run/coppice/depot"
)

var readCases = []subtest{
	{"from every position", readFromPositions},
	{"several partitions of several topics", readMany},
	{"records appended later", readLater},
	{"a waiting poll sees an append", pollWakes},
	{"a long log in order", readLong},
	{"readers do not share positions", readersApart},
	{"an assignment without a topic id", readWithoutID},
	{"poll ends with its context", pollEnds},
	{"poll without assignments waits", pollIdle},
}

// readFromPositions: also from positions inside of what was written at once.
func readFromPositions(b *bench) {
	topic := b.ensure("words", 1)
	values := numbers(20)
	offsets := b.appendValues(topic.Name, 0, values...)
	_, end := b.bounds(topic.Name, 0)
	for i := range values {
		c := b.collect()
		c.assign(from(topic, 0, offsets[i]))
		c.untilCount(topic.Name, 0, len(values)-i)
		c.wantValues(topic.Name, 0, values[i:], offsets[i:])
	}
	c := b.collect()
	c.assign(from(topic, 0, end))
	last := b.append(topic.Name, 0, depot.Record{Value: []byte("last")})
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"last"}, []int64{last})
}

func readMany(b *bench) {
	words, others := b.ensure("words", 3), b.ensure("others", 2)
	c := b.collect()
	offsets := map[place][]int64{}
	var positions []depot.Position
	for _, topic := range []depot.Topic{words, others} {
		for p := range int32(topic.Partitions) {
			for i := range 10 {
				value := topic.Name + "/" + strconv.Itoa(int(p)) + "/" + strconv.Itoa(i)
				offsets[place{topic.Name, p}] = append(offsets[place{topic.Name, p}], b.appendValues(topic.Name, p, value)...)
			}
			positions = append(positions, from(topic, p, offsets[place{topic.Name, p}][p])) // each from another one
		}
	}
	c.assign(positions...)
	for at := range offsets {
		c.untilCount(at.topic, at.partition, 10-int(at.partition))
	}
	for at, have := range offsets {
		var values []string
		for i := int(at.partition); i < 10; i++ {
			values = append(values, at.topic+"/"+strconv.Itoa(int(at.partition))+"/"+strconv.Itoa(i))
		}
		c.wantValues(at.topic, at.partition, values, have[at.partition:])
	}
}

// readLater appends between polls; a reader takes up where it was.
func readLater(b *bench) {
	topic := b.ensure("words", 2)
	c := b.collect()
	c.assign(from(topic, 0, 0), from(topic, 1, 0))
	var offsets []int64
	values := numbers(20)
	for i, v := range values {
		offsets = append(offsets, b.appendValues(topic.Name, int32(0), v)...)
		c.untilCount(topic.Name, 0, i+1)
	}
	c.wantValues(topic.Name, 0, values, offsets)
	if n := len(c.records[place{topic.Name, 1}]); n != 0 {
		b.Errorf("partition 1 is empty and delivered %d records", n)
	}
}

// pollWaits is how long after the begin of a Poll something is done to it: long
// enough that it waits by then. On a slow machine it may not; the subtest then
// proves less and still holds.
const pollWaits = 5 * time.Millisecond

// pollWakes appends while Poll waits.
func pollWakes(b *bench) {
	topic := b.ensure("words", 1)
	c := b.collect()
	c.assign(from(topic, 0, 0))
	values := numbers(5)
	var offsets []int64
	for i, v := range values {
		appended := make(chan int64, 1)
		time.AfterFunc(pollWaits, func() {
			b.Log.Append(b.ctx, topic.Name, 0, depot.Record{Value: []byte(v)}, depot.Replicated, func(offset int64, err error) {
				if err != nil {
					b.Errorf("Append: %v", err)
				}
				appended <- offset
			})
		})
		c.untilCount(topic.Name, 0, i+1)
		offsets = append(offsets, <-appended)
	}
	c.wantValues(topic.Name, 0, values, offsets)
}

func readLong(b *bench) {
	topic := b.ensure("words", 1)
	const count = 5000
	var answered sync.WaitGroup
	defer b.wait(&answered) // a reader may have the last record before its append is answered
	answered.Add(count)
	for _, v := range numbers(count) {
		b.Log.Append(b.ctx, topic.Name, 0, depot.Record{Value: []byte(v)}, depot.Replicated, func(_ int64, err error) {
			if err != nil {
				b.Errorf("Append: %v", err)
			}
			answered.Done()
		})
	}
	c := b.collect()
	c.assign(from(topic, 0, 0))
	for i, r := range c.untilCount(topic.Name, 0, count) {
		if string(r.Value) != strconv.Itoa(i) {
			b.Fatalf("record %d: %s", i, r.Value)
		}
	}
}

func readersApart(b *bench) {
	topic := b.ensure("words", 1)
	offsets := b.appendValues(topic.Name, 0, "a", "b", "c")
	one, two := b.collect(), b.collect()
	one.assign(from(topic, 0, 0))
	one.untilCount(topic.Name, 0, 3)
	two.assign(from(topic, 0, offsets[1]))
	two.untilCount(topic.Name, 0, 2)
	one.wantValues(topic.Name, 0, []string{"a", "b", "c"}, offsets)
	two.wantValues(topic.Name, 0, []string{"b", "c"}, offsets[1:])
}

func readWithoutID(b *bench) {
	topic := b.ensure("words", 1)
	offsets := b.appendValues(topic.Name, 0, "a")
	topic.ID = [16]byte{}
	c := b.collect()
	c.assign(from(topic, 0, 0))
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"a"}, offsets)
}

// pollEnds: by cancellation while it waits, and by a deadline.
func pollEnds(b *bench) {
	topic := b.ensure("words", 1)
	c := b.collect()
	c.assign(from(topic, 0, 0))
	ctx, cancel := context.WithCancel(b.ctx)
	time.AfterFunc(pollWaits, cancel)
	if err := pollToError(ctx, c); !errors.Is(err, context.Canceled) {
		b.Fatalf("Poll with a cancelled context: %v, want %v", err, context.Canceled)
	}
	ctx, cancel = context.WithTimeout(b.ctx, 20*time.Millisecond)
	defer cancel()
	if err := pollToError(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		b.Fatalf("Poll beyond its deadline: %v, want %v", err, context.DeadlineExceeded)
	}
	offsets := b.appendValues(topic.Name, 0, "a") // the reader is as good as before
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"a"}, offsets)
}

// pollToError polls until Poll fails.
func pollToError(ctx context.Context, c *collector) error {
	for {
		if err := c.poll(ctx); err != nil {
			return err
		}
	}
}

func pollIdle(b *bench) {
	topic := b.ensure("words", 1)
	b.appendValues(topic.Name, 0, "a")
	c := b.collect()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Millisecond)
	defer cancel()
	if err := pollToError(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		b.Fatalf("Poll without assignments: %v, want %v", err, context.DeadlineExceeded)
	}
	if len(c.records) != 0 {
		b.Fatalf("Poll without assignments delivered %v", c.records)
	}
}
