package depottest

import (
	"time"

	"github.com/coppice-run/coppice/depot"
)

// clockSkewMax is how far the log's clock may be from the harness's.
const clockSkewMax = time.Minute

var timeCases = []subtest{
	{"the log sets the time", logSetsTime},
	{"offset after a time", offsetAfter},
	{"offset after a time in an empty partition", offsetAfterNothing},
	{"offset after a time is the partition's own", offsetAfterPartition},
}

// logSetsTime: T29; the caller's time is ignored.
func logSetsTime(b *bench) {
	topic := b.ensure("words", 1)
	before := b.Now()
	for _, claimed := range []time.Time{{}, time.UnixMilli(1_000_000_000_000), b.Now().Add(1000 * time.Hour)} {
		b.append(topic.Name, 0, depot.Record{Time: claimed, Value: []byte("v")})
	}
	now := b.Now()
	c := b.collect()
	c.assign(from(topic, 0, 0))
	for i, r := range c.untilCount(topic.Name, 0, 3) {
		if r.Time.Before(before.Add(-clockSkewMax)) || r.Time.After(now.Add(clockSkewMax)) {
			b.Errorf("record %d: time %v, appended between %v and %v", i, r.Time, before, now)
		}
		if !r.Time.Equal(r.Time.Truncate(time.Millisecond)) {
			b.Errorf("record %d: time %v is not in whole milliseconds", i, r.Time)
		}
	}
}

// spread appends to partition 0 until its records have that many different times
// and returns them as read.
func (b *bench) spread(topic depot.Topic, times int) []depot.Record {
	b.Helper()
	c := b.collect()
	c.assign(from(topic, 0, 0))
	for n := 1; ; n++ {
		b.append(topic.Name, 0, depot.Record{Value: []byte("v")})
		records := c.untilCount(topic.Name, 0, n)
		distinct := map[int64]bool{}
		for _, r := range records {
			distinct[r.Time.UnixMilli()] = true
		}
		if len(distinct) >= times {
			return records
		}
		if b.Tick != nil && n%2 == 0 { // two records have one time
			b.Tick()
		}
	}
}

// firstAfter is the answer that OffsetAfter owes.
func firstAfter(records []depot.Record, t time.Time, end int64) int64 {
	for _, r := range records {
		if r.Time.After(t) {
			return r.Offset
		}
	}
	return end
}

// offsetAfter: the first record strictly after a time, for the time of every
// record and for times between, before and after them.
func offsetAfter(b *bench) {
	topic := b.ensure("words", 1)
	records := b.spread(topic, 4)
	_, end := b.bounds(topic.Name, 0)
	var asked []time.Time
	for _, r := range records {
		asked = append(asked, r.Time.Add(-time.Millisecond), r.Time, r.Time.Add(500*time.Microsecond), r.Time.Add(time.Millisecond))
	}
	first, last := records[0].Time, records[len(records)-1].Time
	asked = append(asked, time.UnixMilli(0), time.Time{}, first.Add(-time.Hour), last.Add(time.Hour))
	for n := range int64(5) {
		asked = append(asked, time.UnixMilli(-n)) // some protocols give these a meaning of their own
	}
	for _, t := range asked {
		got, err := b.Log.OffsetAfter(b.ctx, topic.Name, 0, t)
		if want := firstAfter(records, t, end); err != nil || got != want {
			b.Errorf("OffsetAfter(%d ms): %d, %v, want %d; records %d to %d at %d to %d ms, end %d", t.UnixMilli(), got, err, want,
				records[0].Offset, records[len(records)-1].Offset, first.UnixMilli(), last.UnixMilli(), end)
		}
	}
}

func offsetAfterNothing(b *bench) {
	topic := b.ensure("words", 1)
	for _, t := range []time.Time{time.UnixMilli(0), b.Now(), b.Now().Add(time.Hour)} {
		if got, err := b.Log.OffsetAfter(b.ctx, topic.Name, 0, t); err != nil || got != 0 {
			b.Errorf("OffsetAfter(%v) in an empty partition: %d, %v, want 0", t, got, err)
		}
	}
}

func offsetAfterPartition(b *bench) {
	topic := b.ensure("words", 2)
	b.appendValues(topic.Name, 0, numbers(5)...)
	offset := b.append(topic.Name, 1, depot.Record{Value: []byte("v")})
	_, end := b.bounds(topic.Name, 1)
	for t, want := range map[time.Time]int64{time.UnixMilli(0): offset, b.Now().Add(time.Hour): end} {
		if got, err := b.Log.OffsetAfter(b.ctx, topic.Name, 1, t); err != nil || got != want {
			b.Errorf("OffsetAfter(%v) in partition 1: %d, %v, want %d", t, got, err, want)
		}
	}
}
