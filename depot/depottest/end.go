package depottest

import (
	"time"

	"github.com/coppice-run/coppice/depot"
)

var endCases = []subtest{
	{"close again does nothing", closeAgain},
	{"close a reader again", closeReaderAgain},
	{"poll ends when its reader closes", closeEndsPoll},
	{"append after close fails", appendClosed},
}

func closeAgain(b *bench) {
	topic := b.ensure("words", 1)
	b.appendValues(topic.Name, 0, "a")
	for range 3 {
		if err := b.Log.Close(); err != nil {
			b.Fatalf("Close: %v", err)
		}
	}
}

func closeReaderAgain(b *bench) {
	topic := b.ensure("words", 1)
	b.appendValues(topic.Name, 0, "a")
	c := b.collect()
	c.assign(from(topic, 0, 0))
	c.untilCount(topic.Name, 0, 1)
	for range 3 {
		if err := c.reader.Close(); err != nil {
			b.Fatalf("Reader.Close: %v", err)
		}
	}
	if err := pollToError(b.ctx, c); b.ctx.Err() != nil {
		b.Fatalf("Poll of a closed reader: %v, want an error at once", err)
	}
}

func closeEndsPoll(b *bench) {
	topic := b.ensure("words", 1)
	c := b.collect()
	c.assign(from(topic, 0, 0))
	closed := make(chan error, 1)
	time.AfterFunc(pollWaits, func() { closed <- c.reader.Close() })
	if err := pollToError(b.ctx, c); b.ctx.Err() != nil {
		b.Fatalf("Poll of a reader that was closed meanwhile: %v, want an error", err)
	}
	if err := <-closed; err != nil {
		b.Fatalf("Reader.Close: %v", err)
	}
}

func appendClosed(b *bench) {
	topic := b.ensure("words", 1)
	if err := b.Log.Close(); err != nil {
		b.Fatalf("Close: %v", err)
	}
	if offset, err := b.tryAppend(topic.Name, 0, depot.Record{Value: []byte("late")}); err == nil {
		b.Fatalf("Append to a closed log: offset %d, want an error", offset)
	}
}
