package depottest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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
	var all sync.WaitGroup
	for k := range callers {
		all.Go(func() {
			for i := range each {
				b.Log.Append(b.ctx, topic.Name, 0, depot.Record{Key: []byte{byte(k)}, Value: []byte(strconv.Itoa(i))}, depot.Replicated, func(_ int64, err error) {
					if err != nil {
						b.Errorf("Append: %v", err)
					}
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
	for i, value := range numbers(count) {
		level := depot.Replicated
		if i%3 == 0 {
			level = depot.None
		}
		b.Log.Append(b.ctx, topic.Name, 0, depot.Record{Value: []byte(value)}, level, func(_ int64, err error) {
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

// tooLarge: T28; the limit counts key, value and headers together.
func tooLarge(b *bench) {
	topic := b.ensure("words", 1)
	half := make([]byte, depot.RecordBytesMax/2)
	for name, record := range map[string]depot.Record{
		"value":           {Value: make([]byte, depot.RecordBytesMax+1)},
		"key and value":   {Key: half, Value: append(slices.Clone(half), 0)},
		"key and headers": {Key: half, Headers: []depot.Header{{Key: "h", Value: half}}},
	} {
		if _, err := b.tryAppend(topic.Name, 0, record); !errors.Is(err, depot.ErrTooLarge) {
			b.Errorf("Append with a %s of more than %d bytes: %v, want ErrTooLarge", name, depot.RecordBytesMax, err)
		}
	}
	b.Log.Append(b.ctx, topic.Name, 0, depot.Record{Value: make([]byte, depot.RecordBytesMax+1)}, depot.None, func(int64, error) {})
	small := b.append(topic.Name, 0, depot.Record{Value: []byte("small")})
	c := b.collect()
	c.assign(from(topic, 0, 0))
	c.untilCount(topic.Name, 0, 1)
	c.wantValues(topic.Name, 0, []string{"small"}, []int64{small})
}

func largest(b *bench) {
	topic := b.ensure("words", 1)
	key, header := []byte("key"), depot.Header{Key: "h", Value: []byte("header")}
	value := bytes.Repeat([]byte{0xa5}, depot.RecordBytesMax-len(key)-len(header.Key)-len(header.Value))
	for range 2 {
		b.append(topic.Name, 0, depot.Record{Key: key, Value: value, Headers: []depot.Header{header}})
	}
	c := b.collect()
	c.assign(from(topic, 0, 0))
	for _, r := range c.untilCount(topic.Name, 0, 2) {
		if !bytes.Equal(r.Value, value) || !bytes.Equal(r.Key, key) || len(r.Headers) != 1 {
			b.Errorf("offset %d: %d bytes of value, key %q, %d headers", r.Offset, len(r.Value), r.Key, len(r.Headers))
		}
	}
}

func roundTrip(b *bench) {
	topic := b.ensure("words", 1)
	records := []depot.Record{
		{Value: []byte("nil key")},
		{Key: []byte("empty value"), Value: []byte{}},
		{Key: []byte{0, 0xff, 0xfe, '\n', 0x80}, Value: []byte{0, 1, 2, 0xff}},
		{Key: []byte("headers"), Value: []byte("v"), Headers: []depot.Header{{Key: "b", Value: []byte{0, 0xff}}, {Key: "a", Value: []byte("2")}, {Key: "b", Value: []byte{}}}},
		{Key: []byte("ключ"), Value: []byte("värde"), Headers: []depot.Header{{Key: "", Value: []byte("no key")}}},
	}
	for _, r := range records {
		b.append(topic.Name, 0, r)
	}
	c := b.collect()
	c.assign(from(topic, 0, 0))
	for i, got := range c.untilCount(topic.Name, 0, len(records)) {
		want := records[i]
		if !bytes.Equal(got.Key, want.Key) || (got.Key == nil) != (want.Key == nil) {
			b.Errorf("record %d: key %#v, want %#v", i, got.Key, want.Key)
		}
		if !bytes.Equal(got.Value, want.Value) {
			b.Errorf("record %d: value %#v, want %#v", i, got.Value, want.Value)
		}
		if g, w := headerText(got.Headers), headerText(want.Headers); g != w {
			b.Errorf("record %d: headers %s, want %s", i, g, w)
		}
	}
}

// headerText shows headers without a difference between nil and empty values.
func headerText(headers []depot.Header) string {
	s := ""
	for _, h := range headers {
		s += fmt.Sprintf("%q=%q ", h.Key, h.Value)
	}
	return s
}
