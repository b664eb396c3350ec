package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/coppice-run/coppice/runtime"
)

// A batch counts in five histograms, of each reader of the provider. One by one they are found in
// memory that the processor has forgotten since the last batch: so some batches are noted, and
// recorded together.

// sentCommit is a commit under way; zero: none is.
type sentCommit struct {
	at    time.Time
	began time.Duration // how long it had gathered
}

// notedBatch is a batch that the histograms are to have.
type notedBatch struct {
	options               []metric.RecordOption
	events, fields, bytes int64
	commit, batch         time.Duration
	stored                bool // else there was nothing to store, and its events alone count
}

// notedMax is how many batches are recorded together: those of some tens of milliseconds on a busy
// worker.
const notedMax = 32

// Listener returns what hears of batches; give it to the workers, with runtime.Tee beside
// others.
func (m *Metrics) Listener() *runtime.Listener {
	return &runtime.Listener{BatchSent: m.batchSent, BatchCommitted: m.batchCommitted, Dropped: func(i runtime.DroppedInfo) {
		m.mu.Lock()
		defer m.mu.Unlock()
		*m.sent.of(i.TaskInfo) = sentCommit{}
	}}
}

func (m *Metrics) batchSent(i runtime.BatchInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.sent.of(i.TaskInfo) = sentCommit{time.Now(), i.Gathered}
}

func (m *Metrics) batchCommitted(i runtime.BatchInfo) {
	if m.note(&i) {
		m.pass()
	}
}

// note notes a batch, and reports whether there are enough.
func (m *Metrics) note(i *runtime.BatchInfo) (enough bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := notedBatch{options: m.options[i.Module], events: int64(i.Events)}
	if b.options == nil {
		b.options = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(Module.String(i.Module)))}
		m.options[i.Module] = b.options
	}
	if s := m.sent.of(i.TaskInfo); !s.at.IsZero() {
		if i.Commit != nil {
			took := time.Since(s.at)
			b.stored, b.commit, b.batch, b.fields, b.bytes = true, took, took+s.began, int64(i.Fields), i.Bytes
		}
		*s = sentCommit{}
	}
	m.noted = append(m.noted, b)
	return len(m.noted) >= notedMax
}

// pass records what is noted. The tasks do not wait for each other meanwhile.
func (m *Metrics) pass() {
	var room [notedMax]notedBatch
	m.mu.Lock()
	noted := append(room[:0], m.noted...)
	m.noted = m.noted[:0]
	m.mu.Unlock()
	ctx := context.Background()
	for n := range noted {
		b := &noted[n]
		m.events.Record(ctx, b.events, b.options...)
		if !b.stored {
			continue
		}
		m.commit.Record(ctx, b.commit.Seconds(), b.options...)
		m.batch.Record(ctx, b.batch.Seconds(), b.options...)
		m.fields.Record(ctx, b.fields, b.options...)
		m.big.Record(ctx, b.bytes, b.options...)
	}
}
