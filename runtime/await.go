package runtime

import (
	"cmp"
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

// result is how a record ended in one topology, where there is more to say than
// that it is done.
type result struct {
	outcome wire.Outcome
	text    string
	attempt int
	returns map[int][]byte
}

// results keeps the latest results of a source for appenders that ask after the
// record is done.
type results struct {
	byOffset map[int64]result
	order    []int64
	at       int
}

func (r *results) put(offset int64, res result, most int) {
	if r.byOffset == nil {
		r.byOffset = map[int64]result{}
	}
	if _, have := r.byOffset[offset]; have {
		r.byOffset[offset] = res
		return
	}
	if len(r.order) < most {
		r.order = append(r.order, offset)
	} else {
		delete(r.byOffset, r.order[r.at])
		r.order[r.at] = offset
		r.at = (r.at + 1) % most
	}
	r.byOffset[offset] = res
}

// recordDone tells the world that a topology is done with a record. Its effects
// are committed.
func (t *Task) recordDone(f *finished) {
	switch {
	case f.outcome == wire.Parked && t.listener.RecordParked != nil:
		t.listener.RecordParked(t.recordInfo(f))
	case f.outcome != wire.Parked && t.listener.RecordDone != nil:
		t.listener.RecordDone(t.recordInfo(f))
	}
	if len(f.returns) > 0 || f.outcome != wire.Done {
		t.keepResult(f)
	}
	key := recordKey{f.source.plan.Depot.Name, f.record.Offset}
	if w := t.waiters[key]; w != nil && t.recordOver(key, nil) {
		delete(t.waiters, key)
		for _, waiter := range w.waiters {
			t.answer(key, waiter)
		}
	}
}

// keepResult folds what the record's events returned and keeps it.
func (t *Task) keepResult(f *finished) {
	res := result{outcome: f.outcome, text: f.text, attempt: int(f.attempt)}
	if f.outcome == wire.Done && len(f.returns) > 0 {
		res.returns = map[int][]byte{}
		acks := f.source.topology.plan.Acks
		for _, r := range f.returns {
			if int(r.Ack) >= len(acks) {
				continue
			}
			value, err := acks[r.Ack].Fold(res.returns[int(r.Ack)], r.Value)
			if err != nil {
				res.text = "ack return: " + err.Error()
				continue
			}
			res.returns[int(r.Ack)] = value
		}
	}
	f.source.results.put(f.record.Offset, res, t.options.AckResultsMax)
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
		}
	}
	if uncommitted != nil {
		for i := range uncommitted.finished {
			if f := &uncommitted.finished[i]; f.record.Offset == key.offset && f.source.plan.Depot.Name == key.depot {
				return false
			}
		}
	}
	return true
}

func (t *Task) onAwait(in *Await) {
	key := recordKey{in.Depot, in.Offset}
	if t.phase == running {
		if t.answerRetrying(key, in.Waiter) {
			return
		}
		if t.recordOver(key, t.inflight) {
			t.answer(key, in.Waiter)
			return
		}
	}
	w := t.waiters[key]
	if w == nil {
		w = &waiting{}
		t.waiters[key] = w
	}
	w.waiters = append(w.waiters, in.Waiter)
}

func (t *Task) onAwaitOver(in *AwaitOver) {
	key := recordKey{in.Depot, in.Offset}
	w := t.waiters[key]
	if w == nil {
		return
	}
	for i, waiter := range w.waiters {
		if waiter == in.Waiter {
			w.waiters = append(w.waiters[:i], w.waiters[i+1:]...)
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
				continue
			}
			switch res.outcome {
			case wire.Rejected:
				a.Kind, a.Topology, a.Text, a.Attempt = AnswerRejected, s.topology.plan.Name, res.text, res.attempt
			case wire.Parked:
				a.Kind, a.Topology, a.Text, a.Attempt = AnswerParked, s.topology.plan.Name, res.text, res.attempt
			default:
				if len(res.returns) > 0 {
					if a.Returns == nil {
						a.Returns = map[string]map[int][]byte{}
					}
					a.Returns[s.topology.plan.Name] = res.returns
				}
			}
		}
	}
	t.effects.Answers = append(t.effects.Answers, a)
}

// answerFailed tells those who wait that an attempt failed: an acked append
// fails with the first failure of any stream (promise 3.104, the default).
func (t *Task) answerFailed(f *finished) {
	key := recordKey{f.source.plan.Depot.Name, f.record.Offset}
	w := t.waiters[key]
	if w == nil {
		return
	}
	delete(t.waiters, key)
	for _, waiter := range w.waiters {
		t.effects.Answers = append(t.effects.Answers, Answer{
			Waiter: waiter, Kind: AnswerFailed, Topology: f.source.topology.plan.Name, Text: f.text, Attempt: int(f.attempt), WillRetry: true,
		})
	}
}

// answerRetrying tells a late waiter that the record has failed and waits for
// its next attempt.
func (t *Task) answerRetrying(key recordKey, waiter uint64) bool {
	for _, f := range t.feeds {
		if f.depot != key.depot {
			continue
		}
		for _, s := range f.sources {
			if r, ok := s.retries.Find(key.offset); ok {
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
			w := t.waiters[key]
			delete(t.waiters, key)
			for _, waiter := range w.waiters {
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
		for _, waiter := range t.waiters[key].waiters {
			t.effects.Answers = append(t.effects.Answers, Answer{Waiter: waiter, Kind: kind, Text: text})
		}
		delete(t.waiters, key)
	}
}
