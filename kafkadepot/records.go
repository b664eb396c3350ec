package kafkadepot

import (
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
	spare [][]kgo.Record
	room  int // in records, of what is spare
}

var _ kgo.PoolRecords = (*recordPool)(nil)

// sparesMax is for how many records memory is kept, about 5 MB; a fetch of small records has
// several times as many, and the rest is garbage.
const sparesMax = 1 << 15

// GetRecords returns the memory that was given back last, if it is large enough.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	for last := len(p.spare) - 1; last >= 0; last-- {
		have := p.spare[last]
		p.spare[last] = nil
		p.spare = p.spare[:last]
		p.room -= cap(have)
		if cap(have) >= n {
			return have
		}
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords takes memory back, of which every record is empty.
func (p *recordPool) PutRecords(records []kgo.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := cap(records); p.room+n <= sparesMax {
		p.spare = append(p.spare, records)
		p.room += n
	}
}
