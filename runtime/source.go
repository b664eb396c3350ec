package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/task"
)

// source is one source of a topology on this task's partition.
type source struct {
	plan     *module.SourcePlan
	topology *topology
	feed     *feed
	strand   *strand // of the feed, that reads for it
	known    bool
	progress progress.Progress // finished records, those of the batches under way included
	fetched  [][]depot.Record
	first    int   // of fetched[0]
	count    int   // records fetched and not begun
	seen     int64 // offset behind the last record taken from the feed
	sealed   int64 // progress.Next as written last, and as the slot has it
	stored   int64
	claimed  claim
	begun    int64 // offset behind the last record begun
	retries  stream.RetryQueue
	results  results
	endings  []int64 // stored: offsets of records that were rejected or parked, the latest last

	// Attempts that failed before (R20).
	pending    map[int64]stream.Retry // by offset: of records that will come again
	ready      []try                  // their numbers are stored, they may run
	announcing int                    // their numbers are on their way
	counted    map[int64]counted      // of records whose numbers are stored
	kept       []try                  // finished, with stored numbers, ahead of a record that is not

	// Sources that retry all after (R21).
	run        uint64     // how often it went back, over all ownership periods
	generation *task.Mark // what its events carry
	heldUntil  int64      // begins nothing before this time

	// Sources that do not retry.
	passed map[int64]try // finished records whose trees are under way
	loaded int64         // offsets below were dealt with before this period

	// Of exactly-once topologies: the groups of records that are consumed and not done, those
	// of batches apart, and the group that a batch's records are in.
	consumed map[int64]*group
	commons  []*group
	shared   *group
	sharedBy uint64 // the batch

	ids ids // of appends, where the depot tells them apart

	// Of tick depots: where what a tick stands for begins, by its offset, while it is not
	// finished.
	covers map[int64]int64

	// Of microbatch topologies: offset up to which the attempt needs records.
	wantTo int64

	unsaid  map[int64]*unsaid // records that are done but for what they append
	senders senders

	guess overlay.Guess // of what its records' events look up
	pace  pace
}

// claim is what a source says of records that it reads again, or has not read in this
// period: those below an offset are of that leader epoch, or of one before it.
type claim struct {
	below int64
	epoch int32 // -1: unknown
}

func (s *source) forget() {
	s.known, s.progress, s.seen, s.begun, s.loaded = false, progress.Progress{}, 0, 0, 0
	s.claimed = claim{}
	s.discard()
	s.retries = stream.RetryQueue{}
	s.pending = map[int64]stream.Retry{}
	s.ready, s.announcing = nil, 0
	if s.counted == nil {
		s.counted = map[int64]counted{} // outlives a connection: it tells whose attempt ended by its own fault
	}
	s.run++
	s.wantTo = 0
	s.generation, s.heldUntil, s.kept = nil, 0, nil
	s.endings = nil
	s.consumed, s.commons, s.shared = map[int64]*group{}, nil, nil
	s.passed, s.unsaid, s.covers = nil, nil, nil
	s.senders.forget()
	s.guess, s.pace = overlay.Guess{}, pace{}
	if s.dropsFailures() {
		s.passed = map[int64]try{}
	}
}

// resume goes on from a stored progress. A source that keeps its order runs again
// what had finished out of order.
func (s *source) resume(p progress.Progress) {
	s.claimed = claim{p.End(), p.Epoch}
	if s.keepsOrder() {
		p.Rewind(p.Next)
	}
	s.progress, s.known = p, true
	s.loaded, s.sealed, s.stored = p.End(), p.Next, p.Next
}

// discard empties the buffer of fetched records.
func (s *source) discard() { s.fetched, s.first, s.count = nil, 0, 0 }

// take removes the oldest fetched record from the buffer.
func (s *source) take() *depot.Record {
	chunk := s.fetched[0]
	r := &chunk[s.first]
	s.first++
	s.count--
	if s.first == len(chunk) {
		s.fetched[0] = nil
		s.fetched = s.fetched[1:]
		s.first = 0
	}
	return r
}

// fetch puts the records that a source has not seen into its buffer, and counts
// the gaps between offsets as finished.
func (t *Task) fetch(s *source, records []depot.Record) {
	if s.ticks() {
		t.fetchTick(s, records)
		return
	}
	if window := s.plan.Depot.IDWindow; window > 0 {
		s.ids.note(records, int64(window))
	}
	for len(records) > 0 && records[0].Offset < s.seen && !s.isOther(&records[0]) {
		records = records[1:]
	}
	if len(records) == 0 {
		return
	}
	for i := range records {
		r := &records[i]
		switch o := r.Offset; {
		case s.isOther(r):
			t.haltIfOwner(fmt.Errorf("%w: depot %s: offset %d is another record's now, of leader epoch %d; the one that source %s has read was of epoch %d at most: the log was truncated",
				depot.ErrOutOfRange, s.plan.Depot.Name, o, r.LeaderEpoch, s.plan.Name, s.progress.Epoch))
			return
		case o < s.seen:
			t.halt(fmt.Errorf("depot %s: offset %d came after %d", s.plan.Depot.Name, o, s.seen-1))
			return
		case o > s.seen:
			s.progress.FinishRange(s.seen, o-1)
		}
		s.seen = r.Offset + 1
		s.progress.Epoch = max(s.progress.Epoch, r.LeaderEpoch)
		if len(r.Headers) > 0 && !t.judge(s, r) {
			return
		}
		t.dropAgain(s, r)
	}
	s.fetched = append(s.fetched, records)
	s.count += len(records)
	if s.topology.micro != nil {
		s.dropPassed()
	}
}

// isOther reports whether an offset that the source has dealt with is another record's
// now (T20): a leader that lacked the log's end gave it away again, which raised the
// epoch above that of any record that was there before. To skip it would lose it, to
// run it would count for what is lost.
func (s *source) isOther(r *depot.Record) bool {
	return r.Offset < s.seen && s.progress.Epoch >= 0 && r.LeaderEpoch > s.progress.Epoch ||
		r.Offset < s.claimed.below && s.claimed.epoch >= 0 && r.LeaderEpoch > s.claimed.epoch
}

// admit begins records of a source, those that failed before first, as far as
// the limit of executing records allows (promise 3.86).
func (t *Task) admit(topo *topology, s *source) {
	if t.now < s.heldUntil || t.shut(s) != "" {
		return
	}
	room := func() bool {
		return len(t.queue.drawn) < drawAhead && !t.throttled(topo) && t.mayBegin(s) && t.paced(s)
	}
	for len(s.ready) > 0 && len(t.queue.drawn) < drawAhead {
		t.queue.drawn = append(t.queue.drawn, item{try: s.ready[0]})
		s.ready = s.ready[1:]
	}
	if t.finishing {
		return // the ready ones had begun: they count as under way
	}
	for room() {
		r, ok := s.retries.Take(t.now)
		if !ok {
			break
		}
		t.beginsAtPace(s)
		t.start(s, r)
	}
	for room() && s.count > 0 && !s.crowded() && !s.held() {
		r := s.take()
		if s.progress.Done(r.Offset) {
			continue
		}
		s.begun = r.Offset + 1
		next := stream.Retry{Record: r, Attempt: 1}
		if p, ok := s.pending[r.Offset]; ok {
			delete(s.pending, r.Offset)
			p.Record = r
			next = p
		}
		t.beginsAtPace(s)
		t.start(s, next)
	}
	if s.dropsFailures() && t.throttled(topo) {
		t.skip(s)
	}
	t.noteLimit(topo)
	if s.strand.paused {
		t.steer(s.strand)
	}
}

// waits reports whether it has records that may begin.
func (s *source) waits() bool { return s.count > 0 || len(s.ready) > 0 || s.retries.Len() > 0 }

// crowded reports whether so many records wait for their next attempt that no other may
// begin: each is in memory, as those are that were read and have not begun. One that waits
// is not under way (promise 3.87).
func (s *source) crowded() bool {
	o := &s.topology.options
	return s.retries.Len() >= max(o.MaxExecutingPerTask, o.DepotCacheCardinality)
}

// held reports whether a source that keeps its order waits for an attempt to
// begin.
func (s *source) held() bool {
	return s.plan.Retry == module.RetriesAllAfter && s.announcing+len(s.ready) > 0
}

// finish marks a record as finished: its effects are in the store, or in the
// batch that is being sealed (nil: in none).
func (t *Task) finish(f *finished, b *batch) {
	s, r := f.source, f.record
	t.noteEnding(f)
	if f.order != nil {
		if !f.parked() {
			t.unpark(f.order)
		}
		s.topology.executing--
		return
	}
	s.pass(r.Offset, f.parked())
	if s.passed != nil {
		delete(s.passed, r.Offset)
	}
	if s.mayRunAgain(f) {
		s.kept = append(s.kept, f.try)
	} else {
		t.forgetAttempts(&f.try, b)
	}
	delete(s.pending, r.Offset)
	s.topology.executing--
	s.topology.finished++
	s.topology.dirty = true
}
