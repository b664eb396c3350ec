package depottest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/depot"
)

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
