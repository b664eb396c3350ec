package runtime

import (
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/microbatch"
)

// tellReady tells the coordinator what lies ready behind the stamp, at once when there is
// something: so a lone record waits for nothing.
func (t *Task) tellReady(m *micro) {
	if t.finishing {
		m.has, m.hasAt = nil, 0
		t.refuseWaiting(m)
		return
	}
	if m.member.Step() != microbatch.Out {
		// Now and then: the coordinator may have ended before it had stored what it began.
		if m.has = nil; m.hasAt == 0 {
			m.hasAt = t.now + askAgain
		}
		if t.now < m.hasAt {
			return
		}
	}
	seen := int64(0)
	for _, s := range m.topology.sources {
		seen += s.seen
	}
	if m.has != nil && t.now < m.hasAt && seen == m.hasSeen {
		return
	}
	m.hasSeen = seen
	var ready []wire.MicroRange
	for _, s := range m.topology.sources {
		if t.shut(s) != "" || !t.mayBegin(s) {
			continue
		}
		if to := s.readyTo(); to > s.progress.Next {
			ready = append(ready, wire.MicroRange{Source: uint16(s.plan.ID), From: s.progress.Next, To: to})
		}
	}
	ready = append(ready, t.parkedReady(m)...)
	m.has, m.hasAt = ready, 0
	if len(ready) == 0 {
		return
	}
	m.hasAt = t.now + askAgain
	t.sayMicro(m, coordinating, wire.Micro{Kind: uint8(microbatch.Has), ID: m.member.Stamp().ID, Ranges: ready})
}

// readyTo is the offset behind the last record that the next microbatch may take.
func (s *source) readyTo() int64 {
	most := min(s.feed.options.MicrobatchRecordsMax, s.feed.options.DepotCacheCardinality)
	to, n := s.progress.Next, 0
	s.each(func(r *depot.Record) bool {
		if s.progress.Done(r.Offset) {
			return true
		}
		to = r.Offset + 1
		n++
		return n < most
	})
	return to
}

// each calls f for the fetched records, in order, until f returns false.
func (s *source) each(f func(*depot.Record) bool) {
	for i, chunk := range s.fetched {
		if i == 0 {
			chunk = chunk[s.first:]
		}
		for j := range chunk {
			if !f(&chunk[j]) {
				return
			}
		}
	}
}
