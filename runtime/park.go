package runtime

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// park adds a record to the parked ones in the commit that passes it: data that
// cannot be processed is put aside, never dropped.
func (t *Task) park(b *batch, f *finished) {
	p := parkedRecord(f)
	value, err := json.Marshal(p)
	if err != nil {
		t.halt(err)
		return
	}
	field := p.Topology + "/" + p.Source + "/" + strconv.FormatInt(p.Offset, 10)
	b.note(wire.ParkedTable(t.config.Tag), store.Write{Field: field, Value: string(value)})
}

func parkedRecord(f *finished) wire.ParkedRecord {
	p := wire.ParkedRecord{
		Version: 1, Topology: f.source.topology.plan.Name, Source: f.source.plan.Name,
		Partition: f.record.Partition, Offset: f.record.Offset, TimeMillis: f.record.Time.UnixMilli(),
		Reason: f.text, Attempts: int(f.attempt),
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
