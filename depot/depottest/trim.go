package depottest

import (
	"errors"

	"github.com/coppice-run/coppice/depot"
)

var trimCases = []subtest{
	{"what is trimmed is gone, and nothing else", trimmed},
	{"trimming again does nothing", trimmedAgain},
	{"trimming beyond the end is refused", trimmedBeyond},
}

func trimmed(b *bench) {
	topic := b.ensure("words", 2)
	offsets := b.appendValues(topic.Name, 0, "a", "b", "c", "d")
	b.appendValues(topic.Name, 1, "x")
	if err := b.Log.Trim(b.ctx, topic.Name, 0, offsets[2]); err != nil {
		b.Fatal(err)
	}
	if start, end := b.bounds(topic.Name, 0); start != offsets[2] || end <= offsets[3] {
		b.Errorf("the partition holds %d to %d, want it from %d on", start, end, offsets[2])
	}
	c := b.collect()
	c.assign(from(topic, 0, offsets[2]), from(topic, 1, 0))
	c.untilCount(topic.Name, 0, 2)
	c.untilCount(topic.Name, 1, 1)
	c.wantValues(topic.Name, 0, []string{"c", "d"}, offsets[2:])
}

func trimmedAgain(b *bench) {
	topic := b.ensure("words", 1)
	offsets := b.appendValues(topic.Name, 0, "a", "b", "c")
	for _, below := range []int64{offsets[1], offsets[1], offsets[0]} {
		if err := b.Log.Trim(b.ctx, topic.Name, 0, below); err != nil {
			b.Fatal(err)
		}
		if start, _ := b.bounds(topic.Name, 0); start != offsets[1] {
			b.Errorf("trimmed below %d: the partition begins at %d, want %d", below, start, offsets[1])
		}
	}
}

func trimmedBeyond(b *bench) {
	topic := b.ensure("words", 1)
	b.appendValues(topic.Name, 0, "a")
	start, end := b.bounds(topic.Name, 0)
	if err := b.Log.Trim(b.ctx, topic.Name, 0, end+1); !errors.Is(err, depot.ErrOutOfRange) {
		b.Errorf("trimming beyond the end: %v", err)
	}
	if now, _ := b.bounds(topic.Name, 0); now != start {
		b.Errorf("the partition begins at %d, want %d", now, start)
	}
}
