package kafkadepot

import (
	"math/bits"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// converted makes records of the seam of those of the client, and gives it their memory
// back: keys and values lie in what was fetched, which is not used again.
func converted(records []*kgo.Record) []depot.Record {
	out := make([]depot.Record, len(records))
	for i, r := range records {
		to := &out[i]
		to.Partition, to.LeaderEpoch, to.Offset, to.Time = r.Partition, r.LeaderEpoch, r.Offset, r.Timestamp
		to.Key, to.Value = r.Key, r.Value
		if len(r.Headers) > 0 {
			to.Headers = make([]depot.Header, len(r.Headers))
			for j, h := range r.Headers {
				to.Headers[j] = depot.Header{Key: h.Key, Value: h.Value}
			}
		}
		r.Recycle()
	}
	return out
}

// recordPool is memory for the records of fetched batches, of one reader: they are made where
// a fetch is read, and given back when they are taken. A sync.Pool would forget them at the
// next collection, and there are several a second where much is read.
type recordPool struct {
	mu    sync.Mutex
	spare map[int][][]kgo.Record // by their capacity
	room  int                    // in records, of what is spare
}

func newRecordPool() *recordPool { return &recordPool{spare: map[int][][]kgo.Record{}} }

var _ kgo.PoolRecords = (*recordPool)(nil)

// sparesMax is for how many records memory is kept, about 10 MB: what some fetches bring.
const sparesMax = 1 << 16

// roomFor is the capacity that so many records get: batches are of about one size, and are to
// find room where another was. At most a quarter of it stays empty.
func roomFor(n int) int {
	step := 1 << max(bits.Len(uint(n))-3, 0)
	return (n + step - 1) / step * step
}

// GetRecords returns memory that was given back, if some has the right size.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	room := roomFor(n)
	p.mu.Lock()
	defer p.mu.Unlock()
	if some := p.spare[room]; len(some) > 0 {
		last := len(some) - 1
		have := some[last]
		some[last] = nil
		p.spare[room] = some[:last]
		p.room -= room
		return have
	}
	return make([]kgo.Record, 0, room)
}

// PutRecords takes memory back. Where there is no room for it, what
// is spare goes: it has sizes that nobody asks for any more, or too much came at once.
func (p *recordPool) PutRecords(records []kgo.Record) {
	n := cap(records)
	// Of a batch that begins before the offset that was asked for, the first are not given out, nor emptied.
	for i, all := 0, records[:n]; i < n && all[i].Topic != ""; i++ {
		all[i] = kgo.Record{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > sparesMax {
		return
	}
	if p.room+n > sparesMax {
		clear(p.spare)
		p.room = 0
	}
	p.spare[n] = append(p.spare[n], records)
	p.room += n
}
