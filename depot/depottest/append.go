package depottest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/coppice-run/coppice/depot"
)

var appendCases = []subtest{
	{"offsets grow in each partition", offsetsGrow},
	{"a thousand appends at once keep their order", appendsKeepOrder},
	{"many callers at once", appendsOfMany},
	{"level none", levelNone},
	{"levels keep their order", levelsMixed},
	{"done is called once", doneOnce},
	{"a context that has ended", appendEnded},
	{"too large", tooLarge},
	{"as large as allowed", largest},
	{"what is appended is what is read", roundTrip},
}

func offsetsGrow(b *bench) {
	topic := b.ensure("words", 3)
	last := []int64{-1, -1, -1}
	for i := range 30 {
		p := int32(i % 3)
		offset := b.append(topic.Name, p, depot.Record{Value: []byte("v")})
		if offset <= last[p] {
			b.Fatalf("partition %d: offset %d after %d", p, offset, last[p])
		}
		last[p] = offset
	}
	for p, offset := range last {
		if start, end := b.bounds(topic.Name, int32(p)); start != 0 || end <= offset {
			b.Errorf("partition %d: bounds %d to %d, last record at %d", p, start, end, offset)
		}
	}
}

// numbers are the values "0" to "n-1".
func numbers(n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = strconv.Itoa(i)
	}
	return values
}

func appendsKeepOrder(b *bench) {
	topic := b.ensure("words", 2)
	const count = 1000
	var all sync.WaitGroup
	offsets, errs := make([]int64, count), make([]error, count)
	all.Add(count)
	for i, value := range numbers(count) {
		b.Log.Append(b.ctx, topic.Name, 1, depot.Record{Value: []byte(value)}, depot.Replicated, func(offset int64, err error) {
			offsets[i], errs[i] = offset, err
			all.Done() // panics if called too often
		})
	}
	b.wait(&all)
	if err := errors.Join(errs...); err != nil {
		b.Fatalf("Append: %v", err)
	}
	for i := 1; i < count; i++ {
		if offsets[i] <= offsets[i-1] {
			b.Fatalf("append %d has offset %d, append %d has offset %d", i-1, offsets[i-1], i, offsets[i])
		}
	}
	c := b.collect()
	c.assign(from(topic, 1, 0))
	c.untilCount(topic.Name, 1, count)
	c.wantValues(topic.Name, 1, numbers(count), offsets)
}

// wait waits for a group that calls of done end.
func (b *bench) wait(group *sync.WaitGroup) {
	b.Helper()
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-b.ctx.Done():
		b.Fatal("Append: done was not called for every record")
	}
}

func appendsOfMany(b *bench) {
	topic := b.ensure("words", 1)
	const callers, each = 8, 50
	var all, answered sync.WaitGroup
	defer b.wait(&answered) // a reader may have the last record before its append is answered
	answered.Add(callers * each)
	for k := range callers {
		all.Go(func() {
			for i := range each {
				b.Log.Append(b.ctx, topic.Name, 0, depot.Record{Key: []byte{byte(k)}, Value: []byte(strconv.Itoa(i))}, depot.Replicated, func(_ int64, err error) {
					if err != nil {
						b.Errorf("Append: %v", err)
					}
					answered.Done()
				})
			}
		})
	}
	all.Wait()
	c := b.collect()
	c.assign(from(topic, 0, 0))
	next := map[string]int{}
	for _, r := range c.untilCount(topic.Name, 0, callers*each) {
		if want := strconv.Itoa(next[string(r.Key)]); string(r.Value) != want {
			b.Fatalf("caller %d: record %s, want %s", r.Key[0], r.Value, want)
		}
		next[string(r.Key)]++
	}
	if len(next) != callers {
		b.Fatalf("records of %d callers, want %d", len(next), callers)
	}
}

// levelNone: done comes at once and without an offset, the record comes.
func levelNone(b *bench) {
	topic := b.ensure("words", 1)
	for _, value := range numbers(10) {
		offset, err := b.tryAppendAt(topic.Name, 0, depot.Record{Value: []byte(value)}, depot.None)
		if offset != -1 || err != nil {
			b.Fatalf("Append at level None: %d, %v, want -1, nil", offset, err)
		}
	}
	c := b.collect()
	c.assign(from(topic, 0, 0))
	for i, r := range c.untilCount(topic.Name, 0, 10) {
		if string(r.Value) != strconv.Itoa(i) {
			b.Errorf("record %d: %s", i, r.Value)
		}
	}
}

func levelsMixed(b *bench) {
	topic := b.ensure("words", 1)
	const count = 100
	var all sync.WaitGroup // a reader may have the last record before its append is answered
	defer b.wait(&all)
	all.Add(count)
	for i, value := range numbers(count) {
		level := depot.Replicated
		if i%3 == 0 {
			level = depot.None
		}
		b.Log.Append(b.ctx, topic.Name, 0, depot.Record{Value: []byte(value)}, level, func(_ int64, err error) {
			defer all.Done()
			if err != nil {
				b.Errorf("Append %d: %v", i, err)
			}
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

// doneOnce counts the calls for appends that succeed, fail or have no level, until
// after the log is closed: nothing can call done later.
func doneOnce(b *bench) {
	topic := b.ensure("words", 1)
	ended, cancel := context.WithCancel(b.ctx)
	cancel()
	const count = 40
	calls := make([]atomic.Int32, count)
	var first sync.WaitGroup
	first.Add(count)
	for i := range count {
		ctx, record, level := b.ctx, depot.Record{Value: []byte("v")}, depot.Replicated
		switch i % 4 {
		case 1:
			level = depot.None
		case 2:
			record.Value = make([]byte, depot.RecordBytesMax+1)
		case 3:
			ctx = ended
		}
		b.Log.Append(ctx, topic.Name, 0, record, level, func(int64, error) {
			if calls[i].Add(1) == 1 {
				first.Done()
			}
		})
	}
	b.wait(&first)
	if err := b.Log.Close(); err != nil {
		b.Fatalf("Close: %v", err)
	}
	for i := range calls {
		if n := calls[i].Load(); n != 1 {
			b.Errorf("append %d: done was called %d times", i, n)
		}
	}
}

// appendEnded: an append whose context has ended says what became of the record,
// and says the truth.
func appendEnded(b *bench) {
	topic := b.ensure("words", 1)
	ended, cancel := context.WithCancel(b.ctx)
	cancel()
	done := make(chan error, 1)
	b.Log.Append(ended, topic.Name, 0, depot.Record{Value: []byte("maybe")}, depot.Replicated, func(_ int64, err error) { done <- err })
	var err error
	select {
	case err = <-done:
	case <-b.ctx.Done():
		b.Fatal("Append: done was not called")
	}
	if err != nil && !errors.Is(err, depot.ErrNotAppended) && !errors.Is(err, depot.ErrUnknown) {
		b.Fatalf("Append: %v, want ErrNotAppended or ErrUnknown", err)
	}
	b.append(topic.Name, 0, depot.Record{Value: []byte("last")})
	c := b.collect()
	c.assign(from(topic, 0, 0))
	last := place{topic.Name, 0}
	c.until("the last record", func() bool {
		r := c.records[last]
		return len(r) > 0 && string(r[len(r)-1].Value) == "last"
	})
	there := len(c.records[last]) == 2
	if there && errors.Is(err, depot.ErrNotAppended) || !there && err == nil {
		b.Fatalf("Append said %v; the record is in the log: %v", err, there)
	}
}
