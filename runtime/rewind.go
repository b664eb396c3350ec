package runtime

import (
	"maps"
	"slices"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/task"
)

// A source that retries all after goes back when a record fails (promise 3.60):
// to the first record of its partition that is not finished, be it the failed one
// or one before it that is still under way. Everything from there on runs again,
// in order, also what had succeeded. What is left of the run before takes no
// effect any more: its trees are closed here, and its events carry an older
// generation, which their targets drop (R21).
//
// Records that were parked stay so.

// keepsOrder reports whether the source retries all after.
func (s *source) keepsOrder() bool { return s.plan.Retry == module.RetriesAllAfter }

// firstGeneration begins the runs of an ownership period.
func (t *Task) firstGeneration(s *source) {
	if s.keepsOrder() {
		s.generation = &task.Mark{Token: t.head.Token, Number: 1}
	}
}

// failAll has a source go back to a failed record.
func (t *Task) failAll(f *finished, pause int64) {
	s := f.source
	s.pending[f.record.Offset] = stream.Retry{Attempt: stream.After(f.attempt), Failures: f.failures, Number: f.number, Reason: f.text}
	t.rewind(s, f.record.Offset, pause)
}

// rewind has a source run again everything that is not finished, and what is
// behind it, from the given offset at the latest.
func (t *Task) rewind(s *source, to, pause int64) {
	to = min(to, t.closeTrees(s))
	if t.began.source == s {
		to = min(to, t.began.offset)
	}
	t.takeBack(s)
	s.run++
	t.reopen(s, to)
	s.reviveKept(to)
	s.progress.Rewind(to)
	s.topology.dirty = true
	s.discard()
	s.claimed = claim{max(s.claimed.below, s.seen), s.progress.Epoch}
	s.seen, s.begun = to, to
	s.senders.rewind(to)
	s.heldUntil = t.now + pause
	s.generation = &task.Mark{Token: s.generation.Token, Number: s.generation.Number + 1}
	t.feedAgain(s.strand, to)
	if t.listener.Rewound != nil {
		t.listener.Rewound(RewoundInfo{TaskInfo: t.info, Topology: s.topology.plan.Name, Source: s.plan.Name, Offset: to, Generation: s.generation.Number})
	}
}

// closeTrees closes the trees of a source and returns the least of their offsets.
func (t *Task) closeTrees(s *source) int64 {
	least := int64(1<<63 - 1)
	t.ledger.Each(func(tree *acker.Tree[rooted]) bool {
		if tree.Data.source == s && tree.Data.order == nil {
			least = min(least, tree.Data.record.Offset)
			t.keepAttempt(&tree.Data.try)
			t.ledger.Close(tree)
			s.topology.executing--
		}
		return true
	})
	return least
}

// takeBack takes back the attempts of a source that are about to run.
func (t *Task) takeBack(s *source) {
	begun := append(t.queue.remove(s), s.ready...)
	s.topology.executing -= len(begun) + s.announcing
	for i := range begun {
		t.keepAttempt(&begun[i])
	}
	for _, b := range [2]*batch{t.inflight, t.open} {
		if b == nil || s.announcing == 0 {
			continue
		}
		for _, n := range b.begins {
			if n.source == s && n.run == s.run {
				// Whether its number gets into the slot is not known: it is announced again.
				s.pending[n.retry.Record.Offset] = stream.Retry{Attempt: n.retry.Attempt, Failures: n.retry.Failures, Number: n.before, Reason: n.retry.Reason}
			}
		}
	}
	s.ready, s.announcing = nil, 0
}

// beganRecord is a record whose event runs, or waits for what it reads.
type beganRecord struct {
	source *source
	offset int64
}

// outdated reports whether the source of a record went back while its event waited
// for what it read.
func (it *item) outdated() bool {
	return it.source != nil && it.try.order == nil && it.run != it.source.run
}

// undoBegun ends an attempt that its source took back while it ran: the record comes
// again.
func (t *Task) undoBegun(it *item) {
	if t.host.Origin.Tree.ID != 0 {
		t.ledger.Close(t.ledger.Find(t.host.Origin.Tree))
	}
	it.source.topology.executing--
	t.keepAttempt(&it.try)
}

// keepAttempt remembers what is known of a record that will come again.
func (t *Task) keepAttempt(it *try) {
	if it.number > 0 {
		if _, ok := it.source.pending[it.record.Offset]; !ok {
			it.source.pending[it.record.Offset] = stream.Retry{Attempt: it.attempt, Failures: it.failures, Number: it.number}
		}
	}
}

// reopen takes back the records from an offset on that finished in the open
// batch. Their effects are committed, and then applied again.
func (t *Task) reopen(s *source, from int64) {
	if t.open == nil {
		return
	}
	kept := t.open.finished[:0]
	for _, f := range t.open.finished {
		if f.source == s && f.record.Offset >= from && !f.parked() && f.order == nil {
			t.keepAttempt(&f.try)
			s.topology.executing--
			continue
		}
		kept = append(kept, f)
	}
	clear(t.open.finished[len(kept):])
	t.open.finished = kept
}

// mayRunAgain reports whether a finished record may have to run again although it
// did not fail: its source goes back to one before it. Its number of attempts is
// kept until then; else a record that fails at first would fail again each time that
// another one takes the source back, and the two would never end.
func (s *source) mayRunAgain(f *finished) bool {
	return s.keepsOrder() && !f.parked() && f.number > 0 && f.record.Offset >= s.progress.Next
}

// reviveKept has finished records that run again go on counting.
func (s *source) reviveKept(from int64) {
	s.kept = slices.DeleteFunc(s.kept, func(it try) bool {
		if it.record.Offset < from {
			return false
		}
		s.pending[it.record.Offset] = stream.Retry{Attempt: it.attempt, Failures: it.failures, Number: it.number}
		return true
	})
}

// forgetKept removes the numbers of records that will not run again.
func (t *Task) forgetKept(b *batch) {
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			s.kept = slices.DeleteFunc(s.kept, func(it try) bool {
				if it.record.Offset >= s.progress.Next {
					return false
				}
				t.forgetAttempts(&it, b)
				return true
			})
		}
	}
}

// keepStored sorts the numbers that the slot holds: those of finished records are
// kept, the others' records come again.
func (s *source) keepStored() {
	for _, offset := range slices.Sorted(maps.Keys(s.pending)) {
		if r := s.pending[offset]; s.progress.Done(offset) {
			s.kept = append(s.kept, try{source: s, record: &depot.Record{Offset: offset}, attempt: r.Attempt, failures: r.Failures, number: r.Number})
			delete(s.pending, offset)
		}
	}
}
