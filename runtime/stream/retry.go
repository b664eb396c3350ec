// Package stream holds the pure machines of one stream source: the queue of
// records to try again, and the pauses between attempts.
package stream

import (
	"math"
	"slices"

	"github.com/coppice-run/coppice/depot"
)

// Retry is a record that waits to be tried again.
type Retry struct {
	Record   *depot.Record
	Attempt  uint16 // the number that the next attempt has
	Failures uint16 // attempts that count toward MaxAttempts (R20)
	Number   uint16 // what the slot says of them: the attempt begun last; 0: nothing
	ReadyAt  int64  // nanoseconds
	Reason   string // why the last attempt failed
}

// RetryQueue holds failed records; the lowest offset that is ready comes first
// (promise 3.58: best-effort order).
type RetryQueue struct{ waiting []Retry }

// Len is the number of records that wait.
func (q *RetryQueue) Len() int { return len(q.waiting) }

// Add puts a record into the queue.
func (q *RetryQueue) Add(r Retry) {
	i, _ := slices.BinarySearchFunc(q.waiting, r.Record.Offset, func(have Retry, offset int64) int {
		if have.Record.Offset < offset {
			return -1
		}
		return 1
	})
	q.waiting = slices.Insert(q.waiting, i, r)
}

// Take removes and returns the lowest record that is ready at the given time.
func (q *RetryQueue) Take(now int64) (Retry, bool) {
	for i, r := range q.waiting {
		if r.ReadyAt <= now {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			return r, true
		}
	}
	return Retry{}, false
}

// Find returns the waiting record of an offset.
func (q *RetryQueue) Find(offset int64) (Retry, bool) {
	for _, r := range q.waiting {
		if r.Record.Offset == offset {
			return r, true
		}
	}
	return Retry{}, false
}

// NextAt is the earliest time at which a record is ready; ok is false if none
// waits.
func (q *RetryQueue) NextAt() (at int64, ok bool) {
	for _, r := range q.waiting {
		if !ok || r.ReadyAt < at {
			at, ok = r.ReadyAt, true
		}
	}
	return at, ok
}

// After is the number of the attempt behind one: a record that is tried for ever stays at the last
// number that there is.
func After(attempt uint16) uint16 { return attempt + min(1, math.MaxUint16-attempt) }

// Backoff is the pause before an attempt (2 is the first retry): base doubled
// for each attempt, up to max, of which the last half is scattered by random in
// [0, 1).
func Backoff(attempt uint16, base, most int64, random float64) int64 {
	pause := base
	for range min(int(attempt)-2, 40) {
		pause *= 2
		if pause >= most {
			break
		}
	}
	pause = min(pause, most)
	return pause/2 + int64(random*float64(pause/2))
}

// Each visits the waiting records in the order of their offsets, until visit returns false.
func (q *RetryQueue) Each(visit func(*Retry) bool) {
	for i := range q.waiting {
		if !visit(&q.waiting[i]) {
			return
		}
	}
}
