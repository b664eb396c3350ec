package grpctransport

import (
	"context"
	"encoding/binary"
	"testing"
)

// counted is a handler that counts frames.
type counted struct{ frames int }

func (c *counted) Frame(string, []byte) { c.frames++ }
func (c *counted) Closed(string)        {}
func (c *counted) Call(context.Context, string, []byte) ([]byte, error) {
	return nil, nil
}

// FuzzBytes: whatever a peer sends, it is read or refused, without a panic, without more
// memory than it has bytes, and no frame is handed over twice.
func FuzzBytes(f *testing.F) {
	h := hello{from: "127.0.0.1:1", session: 7, fresh: true}
	w := welcome{known: true, last: 3}
	batch := appendBytes(binary.AppendUvarint(binary.AppendUvarint(nil, 1), 1), []byte("frame"))
	for _, raw := range [][]byte{h.append(nil), w.append(nil), batch, nil, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if h, err := parseHello(raw); err == nil {
			if again, err := parseHello(h.append(nil)); err != nil || again.from != h.from || again.session != h.session {
				t.Errorf("a hello that was read is not read again: %v", err)
			}
		}
		if w, err := parseWelcome(raw); err == nil {
			if again, err := parseWelcome(w.append(nil)); err != nil || again != w {
				t.Errorf("a welcome that was read is not read again: %v", err)
			}
		}
		parts := 0
		if err := eachCall(raw, func(_ uint64, _ byte, data []byte) error { parts += 1 + len(data); return nil }); parts > len(raw) {
			t.Errorf("%d bytes have parts of %d (error %v)", len(raw), parts, err)
		}
		c := &counted{}
		l := &link{handler: c}
		in := &inbound{}
		last, err := l.handOver("peer", in, raw)
		if c.frames > len(raw) || err == nil && uint64(c.frames) != last {
			t.Errorf("%d bytes handed over %d frames, the last has number %d", len(raw), c.frames, last)
		}
		before := c.frames
		if _, err := l.handOver("peer", in, raw); err == nil && c.frames != before {
			t.Errorf("the same batch is handed over again")
		}
	})
}
