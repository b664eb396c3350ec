package runtime

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// A source that does not retry is done with a record when its first event is
// committed, before the hops leave: whatever happens later, the record does not
// run again (promise 3.59). Its tree is tracked all the same, for the appender
// and for the limit of records under way.

// pass marks the records of such sources as finished in the batch's own commit.
func (t *Task) pass(b *batch) {
	for i := range b.passed {
		s := b.passed[i].source
		s.pass(b.passed[i].record.Offset, false)
		s.topology.dirty = true
	}
}

// dropPassed tells of the records whose trees were lost with the connection and
// which will not be tried again.
func (t *Task) dropPassed(cause error) {
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			for offset, it := range s.passed {
				f := finished{try: it, outcome: wire.Failed, text: "lost with the connection, and the source does not retry: " + cause.Error()}
				if s.progress.Done(offset) {
					t.counts.Dropped++
					t.recordDropped(&f)
					t.keepResult(&f)
				}
			}
		}
	}
}

// skip drops the records that wait for a source that does not retry, while the
// stream has as many under way as it may (promise 3.90).
func (t *Task) skip(s *source) {
	text := "skipped: " + s.topology.limitText()
	for s.count > 0 {
		r := s.take()
		if s.progress.Done(r.Offset) {
			continue
		}
		s.begun = r.Offset + 1
		s.pass(r.Offset, false)
		s.topology.dirty = true
		s.topology.finished++
		t.recordDone(&finished{try: try{source: s, record: r, attempt: 1}, outcome: wire.Skipped, text: text})
	}
}

// recordDropped tells the listener of a record that a source without retries
// gave up.
func (t *Task) recordDropped(f *finished) {
	if t.listener.RecordDropped != nil {
		t.listener.RecordDropped(t.recordEnd(f))
	}
}

// dropsFailures reports whether the source does not retry.
func (s *source) dropsFailures() bool { return s.plan.Retry == module.RetriesNone }
