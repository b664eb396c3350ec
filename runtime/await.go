package runtime

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/internal/wire"
)

// recordKey names a record of this task's partition.
type recordKey struct {
	depot  string
	offset int64
}

// waiting is who waits for a record.
type waiting struct{ waiters []uint64 }

// recordDone tells the world that a topology is done with a record. Its effects
// are committed.
func (t *Task) recordDone(f *finished) {
	if f.order == nil { // what was put aside has ended before
		*t.counts.of(f.outcome)++
	}
	slow := t.listener.Slow > 0 && f.began != 0 && t.now-f.began >= int64(t.listener.Slow)
	if slow {
		t.counts.Slow++
	}
	switch f.outcome {
	case wire.Parked:
		if t.listener.RecordParked != nil {
			t.listener.RecordParked(t.recordEnd(f))
		}
	case wire.Failed, wire.Skipped:
		t.recordDropped(f)
	default:
		if slow || !f.unheard {
			t.treeOver(f, slow)
		}
		if t.listener.RecordDone != nil {
			t.listener.RecordDone(t.recordInfo(f))
		}
	}
	if f.order != nil {
		t.answerOrder(f.order, answerKind[f.outcome], f.text)
	}
	if f.ofEvent() {
		return // nobody waits for it but who gave the order
	}
	t.keepResult(f)
	key := recordKey{f.source.plan.Depot.Name, f.record.Offset}
	if t.waiters[key] != nil && t.recordOver(key, t.inflight) {
		for _, waiter := range t.takeWaiters(key) {
			t.answer(key, waiter)
		}
	}
}

// recordOver reports whether every topology is done with a record and its
// effects are committed. uncommitted is the batch under way, if it is to be
// looked at.
func (t *Task) recordOver(key recordKey, uncommitted *batch) bool {
	for _, f := range t.feeds {
		if f.depot != key.depot {
			continue
		}
		for _, s := range f.sources {
			if !s.known || !s.progress.Done(key.offset) {
				return false
			}
			if _, underWay := s.passed[key.offset]; underWay || s.groupAt(key.offset) != nil {
				return false
			}
			if s.unsaid[key.offset] != nil {
				return false
			}
		}
	}
	if uncommitted != nil {
		for i := range uncommitted.finished {
			if f := &uncommitted.finished[i]; f.record.Offset == key.offset && f.source.plan.Depot.Name == key.depot && !f.ofEvent() {
				return false
			}
		}
	}
	return true
}

func (t *Task) onAwait(in *Await) {
	if in.Offset < 0 {
		t.effects.Answers = append(t.effects.Answers, Answer{Waiter: in.Waiter, Kind: AnswerUnknown, Text: "no record has a negative offset"})
		return
	}
	key := t.firstOf(recordKey{in.Depot, in.Offset})
	if t.phase == running {
		if t.answerRetrying(key, in.Waiter) {
			return
		}
		if t.recordOver(key, t.inflight) {
			t.answer(key, in.Waiter)
			return
		}
		if topo, _ := t.throttledBy(key); topo != nil {
			t.effects.Answers = append(t.effects.Answers, t.throttledAnswer(key, in.Waiter))
			return
		}
	}
	f := t.feedOf(in.Depot)
	if f == nil {
		t.answer(key, in.Waiter) // no stream reads the depot
		return
	}
	if most := f.options.AwaitsMax; f.waiting >= most {
		t.effects.Answers = append(t.effects.Answers, Answer{
			Waiter: in.Waiter, Kind: AnswerThrottled,
			Text: fmt.Sprintf("%d acked appends are tracked on this task, the limit of depot.max.pending.streaming.per.partition", most),
		})
		return
	}
	f.waiting++
	w := t.waiters[key]
	if w == nil {
		w = &waiting{}
		t.waiters[key] = w
	}
	w.waiters = append(w.waiters, in.Waiter)
}

func (t *Task) onAwaitOver(in *AwaitOver) {
	key := t.firstOf(recordKey{in.Depot, in.Offset})
	w := t.waiters[key]
	if w == nil {
		return
	}
	for i, waiter := range w.waiters {
		if waiter == in.Waiter {
			w.waiters = append(w.waiters[:i], w.waiters[i+1:]...)
			t.feedOf(in.Depot).waiting--
			break
		}
	}
	if len(w.waiters) == 0 {
		delete(t.waiters, key)
	}
}

// answer tells one waiter how a record ended in all topologies.
func (t *Task) answer(key recordKey, waiter uint64) {
	a := Answer{Waiter: waiter}
	for _, f := range t.feeds {
		if f.depot != key.depot {
			continue
		}
		for _, s := range f.sources {
			res, ok := s.results.byOffset[key.offset]
			if !ok {
				if s.dropsFailures() && len(s.topology.plan.Steps) > 0 && key.offset < s.loaded {
					a.Kind, a.Topology = AnswerUnknown, s.topology.plan.Name
					a.Text = "an earlier owner of the task began the record, and its source does not retry"
				}
				continue
			}
			if kind := answerKind[res.outcome]; kind != AnswerDone {
				a.Kind, a.Topology, a.Text, a.Attempt = kind, s.topology.plan.Name, res.text, res.attempt
			} else {
				s.topology.addReturns(&a, res)
			}
		}
	}
	t.effects.Answers = append(t.effects.Answers, a)
}

// feedOf finds the feed of a depot; nil where no stream of this task reads it.
func (t *Task) feedOf(depot string) *feed {
	for _, f := range t.feeds {
		if f.depot == depot {
			return f
		}
	}
	return nil
}

// answerKind is the answer for each outcome.
var answerKind = [...]AnswerKind{
	wire.Done: AnswerDone, wire.Failed: AnswerFailed, wire.Rejected: AnswerRejected, wire.Parked: AnswerParked, wire.Skipped: AnswerFailed, wire.Undone: AnswerFailed,
}

// takeWaiters takes the waiters of a record out.
func (t *Task) takeWaiters(key recordKey) []uint64 {
	w := t.waiters[key]
	if w == nil {
		return nil
	}
	delete(t.waiters, key)
	t.feedOf(key.depot).waiting -= len(w.waiters)
	return w.waiters
}

// answerFailed tells those who wait that an attempt failed: an acked append
// fails with the first failure of any stream (promise 3.104, the default).
func (t *Task) answerFailed(f *finished) {
	if f.source.feed.options.AckFailureOnRetryOnly {
		return // retries get their chance
	}
	for _, waiter := range t.takeWaiters(recordKey{f.source.plan.Depot.Name, f.record.Offset}) {
		t.effects.Answers = append(t.effects.Answers, Answer{
			Waiter: waiter, Kind: AnswerFailed, Topology: f.source.topology.plan.Name, Text: f.text, Attempt: int(f.attempt), WillRetry: true,
		})
	}
}

// answerRetrying tells a late waiter that the record has failed and waits for
// its next attempt.
func (t *Task) answerRetrying(key recordKey, waiter uint64) bool {
	for _, f := range t.feeds {
		if f.depot != key.depot || f.options.AckFailureOnRetryOnly {
			continue
		}
		for _, s := range f.sources {
			r, ok := s.retries.Find(key.offset)
			if !ok {
				r, ok = s.pending[key.offset]
			}
			if ok {
				t.effects.Answers = append(t.effects.Answers, Answer{
					Waiter: waiter, Kind: AnswerFailed, Topology: s.topology.plan.Name, Text: r.Reason, Attempt: int(r.Attempt) - 1, WillRetry: true,
				})
				return true
			}
		}
	}
	return false
}

// answerOver answers those who wait for records that turn out to be done, when
// the task has read its progress.
func (t *Task) answerOver() {
	for _, key := range t.waitedFor() {
		if t.recordOver(key, nil) {
			for _, waiter := range t.takeWaiters(key) {
				t.answer(key, waiter)
			}
		}
	}
}

// waitedFor lists the records that someone waits for, in a fixed order, so that
// a run can be repeated exactly.
func (t *Task) waitedFor() []recordKey {
	keys := slices.Collect(maps.Keys(t.waiters))
	slices.SortFunc(keys, func(a, b recordKey) int {
		return cmp.Or(cmp.Compare(a.depot, b.depot), cmp.Compare(a.offset, b.offset))
	})
	return keys
}

// answerAll tells everyone who waits the same.
func (t *Task) answerAll(kind AnswerKind, text string) {
	for _, key := range t.waitedFor() {
		for _, waiter := range t.takeWaiters(key) {
			t.effects.Answers = append(t.effects.Answers, Answer{Waiter: waiter, Kind: kind, Text: text})
		}
	}
}
