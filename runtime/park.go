package runtime

import (
	"unicode/utf8"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
)

// park adds a record to the parked ones in the commit that passes it: data that
// cannot be processed is put aside, never dropped.
func (t *Task) park(f *finished) {
	p := parkedRecord(f)
	path := t.parkedPath(p.Field())
	t.bookkeep(func() { overlay.Set(t.view, &path, &p) })
}

func parkedRecord(f *finished) wire.ParkedRecord {
	if f.order != nil && f.order.found.Event != "" {
		p := f.order.found
		p.Reason, p.Attempts = f.text, int(f.attempt)
		return p
	}
	p := wire.ParkedRecord{
		Version: 1, Topology: f.source.topology.plan.Name, Source: f.source.plan.Name,
		Partition: f.record.Partition, Offset: f.record.Offset, TimeMillis: f.record.Time.UnixMilli(),
		Reason: f.text, Attempts: int(f.attempt),
		Edited: f.order != nil && f.order.found.Edited,
	}
	p.KeyText, p.KeyBytes = textOrBytes(f.record.Key)
	p.Text, p.Bytes = textOrBytes(f.record.Value)
	for _, h := range f.record.Headers {
		p.Headers = append(p.Headers, wire.ParkedHeader{Key: h.Key, Value: h.Value})
	}
	return p
}

// textOrBytes keeps what a person can read as text. A nil slice is neither.
func textOrBytes(raw []byte) (*string, []byte) {
	switch {
	case raw == nil:
		return nil, nil
	case utf8.Valid(raw):
		text := string(raw)
		return &text, nil
	}
	return nil, raw
}
