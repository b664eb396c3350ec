package runtime

import (
	"fmt"
	"slices"
)

// The limit of records under way (promises 3.85 to 3.90). At the limit the
// source waits, and so would whoever waits for a record behind it, for a time
// that nobody knows: they are told at once that the record is in the depot and
// has not begun. So is who waits for a record with more before it than may be under way,
// however few are: what comes faster than it is done lies in the depot, and an append that
// waited there would take as long as all of that.

// throttled reports whether the topology has as many records under way as it may.
func (t *Task) throttled(topo *topology) bool {
	return topo.executing >= topo.options.MaxExecutingPerTask
}

func (topo *topology) limitText() string {
	return fmt.Sprintf("%d records are under way on this task, the limit of topology.stream.max.executing.per.task", topo.options.MaxExecutingPerTask)
}

// noteLimit answers those who wait for records that cannot begin, when the limit
// is reached.
func (t *Task) noteLimit(topo *topology) {
	full := t.throttled(topo) || slices.ContainsFunc(topo.sources, (*source).crowded)
	if full && !topo.limited {
		for _, key := range t.waitedFor() {
			if by, _ := t.throttledBy(key); by == topo {
				t.answerThrottled(key)
			}
		}
	}
	topo.limited = full
}

// throttledBy returns the topology that has not begun a record and may not now, and
// why. A source without retries does not wait at the limit: it skips (promise 3.90).
func (t *Task) throttledBy(key recordKey) (*topology, string) {
	for _, f := range t.feeds {
		if f.depot != key.depot {
			continue
		}
		for _, s := range f.sources {
			if !s.known || key.offset < s.begun || s.progress.Done(key.offset) {
				continue
			}
			if why := t.shut(s); why != "" {
				return s.topology, why
			}
			switch full := t.throttled(s.topology); {
			case full && s.dropsFailures(): // it skips all that is behind the limit, and says so
			case full:
				return s.topology, s.topology.limitText()
			case s.before(key.offset) >= int64(s.topology.options.MaxExecutingPerTask):
				return s.topology, fmt.Sprintf("%d records of source %s, or offsets without one, are before it on this task, and no more may be under way than topology.stream.max.executing.per.task = %d", s.before(key.offset), s.plan.Name, s.topology.options.MaxExecutingPerTask)
			case s.dropsFailures():
			case s.crowded():
				return s.topology, fmt.Sprintf("%d records of source %s wait for their next attempt on this task, more than are kept", s.retries.Len(), s.plan.Name)
			}
		}
	}
	return nil, ""
}

// before is how many records come before one that has not begun: those that are under way, and
// those that have not begun either. These are counted by their offsets, so gaps count, and so
// does what was never appended: the task does not know the end. Those that wait for another
// attempt are neither (promise 3.87).
func (s *source) before(offset int64) int64 {
	return offset - s.begun + int64(s.topology.executing)
}

func (t *Task) answerThrottled(key recordKey) {
	for _, waiter := range t.takeWaiters(key) {
		t.effects.Answers = append(t.effects.Answers, t.throttledAnswer(key, waiter))
	}
}

func (t *Task) throttledAnswer(key recordKey, waiter uint64) Answer {
	a := Answer{Waiter: waiter, Kind: AnswerThrottled}
	if topo, why := t.throttledBy(key); topo != nil {
		a.Topology, a.Text = topo.plan.Name, why
	}
	return a
}
