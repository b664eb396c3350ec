package host

import "github.com/coppice-run/coppice/internal/wire"

// Discard takes back everything that the batch has sent off, acks too.
func (o *Outbox) Discard() {
	for _, by := range []kind{passing, outside} {
		s := &o.shelves[by]
		s.each(func(f *wire.Frame) { s.pool.Put(f) })
	}
	o.sent = o.sent[:0]
}
