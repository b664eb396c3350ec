package runtime

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// Tick depots. Who drives the task delivers ticks as records, by its clock: a tick's offset
// is when it is due, in milliseconds, so ticks and what has become of them need nothing
// that records do not have: progress, retries, groups, ranges of microbatches. All ticks
// that are due exist in this sense; those that nobody was given are gaps between offsets.
//
// A gap of a log is nothing. A gap between ticks belongs to the tick behind it, which
// counts it: it is finished with that tick, and not before, so a new owner that does
// not find the tick finished counts all of it anew.

// ticks reports whether the source reads a tick depot.
func (s *source) ticks() bool { return s.plan.Depot.PeriodMillis > 0 }

// fetchTick takes the latest tick that is due. One that still waits for its turn is merged
// into it, unless an attempt at it has begun under an earlier owner, whose number is kept.
func (t *Task) fetchTick(s *source, records []depot.Record) {
	due := records[len(records)-1].Offset
	for due >= s.seen && s.progress.Done(due) {
		due -= s.plan.Depot.PeriodMillis // an earlier owner was done with it before one below it
	}
	if due < s.seen {
		return
	}
	from := s.seen
	for _, offset := range slices.Sorted(maps.Keys(s.pending)) {
		if offset >= from && offset < due && !s.progress.Done(offset) {
			t.addTick(s, from, offset)
			from = offset + 1
		}
	}
	if last, ok := s.waitingTick(); ok {
		if _, begun := s.pending[last]; !begun {
			if before, ok := s.covers[last]; ok {
				from = before
				delete(s.covers, last)
			}
			s.fetched = s.fetched[:len(s.fetched)-1]
			s.count--
		}
	}
	t.addTick(s, from, due)
	s.progress.Epoch = max(s.progress.Epoch, records[len(records)-1].LeaderEpoch)
	if s.topology.micro != nil {
		s.dropPassed()
	}
}

// waitingTick is the last tick in the buffer.
func (s *source) waitingTick() (offset int64, ok bool) {
	if s.count == 0 {
		return 0, false
	}
	return s.fetched[len(s.fetched)-1][0].Offset, true
}

// addTick puts a tick into the buffer that stands for what was due from an offset on.
func (t *Task) addTick(s *source, from, due int64) {
	if s.topology.micro == nil { // whose ranges say it
		if s.covers == nil {
			s.covers = map[int64]int64{}
		}
		s.covers[due] = from
	}
	s.fetched = append(s.fetched, []depot.Record{s.tick(from, due)})
	s.count++
	s.seen = due + 1
}

// tick makes the record of a tick.
func (s *source) tick(from, due int64) depot.Record {
	period := s.plan.Depot.PeriodMillis
	missed := multiples(period, from, due)
	for _, r := range s.progress.Finished(from, due) {
		missed -= multiples(period, r.First, r.Last+1)
	}
	at := time.UnixMilli(due).UTC()
	value, err := json.Marshal(module.Tick{Time: at, Missed: int(missed)})
	if err != nil {
		panic(fmt.Sprintf("a tick does not encode: %v", err))
	}
	return depot.Record{Offset: due, Time: at, Value: value}
}

// multiples counts the multiples of a period from one offset up to another one.
func multiples(period, from, to int64) int64 {
	if to <= from {
		return 0
	}
	return (to-1)/period - (from-1+period)/period + 1
}

// pass marks a record as finished, a tick with what it stands for.
func (s *source) pass(offset int64, parked bool) {
	if from, ok := s.covers[offset]; ok {
		delete(s.covers, offset)
		s.progress.FinishRange(from, offset-1)
	}
	if parked {
		s.progress.Park(offset)
	} else {
		s.progress.Finish(offset)
	}
}

// takeTick has the one tick of a range run: the last that is due in it, whichever this
// owner was given, so that each attempt has the same.
func (r *run) takeTick(t *Task, s *source, g wire.MicroRange) {
	period := s.plan.Depot.PeriodMillis
	due := (g.To - 1) / period * period
	if due < g.From || s.progress.Done(due) {
		return // the range was cut where no tick is due
	}
	tick := s.tick(max(g.From, s.progress.Next), due)
	r.count++
	r.take(t, s, &tick)
}
