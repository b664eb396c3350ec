package runtime

import (
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/task"
)

// The appends of exactly-once topologies are numbered, for each partition of a depot
// (R30). They stand in the task's slot, in the commit of their events, until the log
// has them: so what is committed is appended, whoever owns the task by then. They are
// sent in their order; where one fails, or nobody knows, all from there on are sent
// again. Whoever reads the partition drops the numbers that it has seen: senders.go.
//
// The very first number of a line goes alone: a source that begins with the log then
// meets it first.

// numbering is what a numbered append has besides.
type numbering struct {
	number uint64
	commit task.Mark // that stored it
	line   *line
	chunk  *chunk
	inLog  bool
	said   *unsaid // the record that waits for it, if that has no tree
}

// line is the numbered appends of this task to one partition.
type line struct {
	depot     string
	partition task.ID
	name      uint32 // tells it from others that began at 1, too
	last      uint64 // number given last
	known     uint64 // the log has all up to this one
	waiting   []*emission
	sent      int // of waiting
	underWay  int // answers that are still to come
	broken    bool
	tries     int   // failures in a row
	againAt   int64 // when to send again; while broken and nothing is under way

	keptIn uint64 // the batch that was sealed last with appends of the line,
	keptAt int    // and where its keeper has the line
}

// chunk is the appends of one commit to one partition, as they stand in the slot.
type chunk struct {
	field string
	last  uint64 // number of its last append
	acks  []appendAck
}

// appendAck is what the group of an append's record is told when the log has it.
type appendAck struct {
	root  task.ID // that has the group
	group uint64
	event uint64
}

// Limits of lines and chunks.
const (
	lineWindow      = 1000 // appends under way: so many are sent again when one fails
	chunkAppendsMax = 1000
	chunkBytesMax   = 1 << 20
)

// unsaid is a record without a tree that is finished and committed: it is said to be
// done when the log has its appends.
type unsaid struct {
	left int
	done finished
}

// keepResults takes in how the records of a batch that is committed have ended, before
// anybody is told: a record may have ended in several sources, and is answered once.
func (t *Task) keepResults(b *batch) {
	if b.resultsKept {
		return
	}
	b.resultsKept = true
	for i := range b.finished {
		f := &b.finished[i]
		if u := f.said; u != nil && u.left > 0 && f.order == nil && b.mark.Token == t.head.Token {
			u.done = *f
			if f.source.unsaid == nil {
				f.source.unsaid = map[int64]*unsaid{}
			}
			f.source.unsaid[f.record.Offset] = u // is told when the log has its appends
			f.later = true
			continue
		}
		t.keepResult(f)
	}
}

// lineKey names a line.
type lineKey struct {
	depot     string
	partition task.ID
}

// lineTo finds or makes the line to a partition.
func (t *Task) lineTo(depot string, partition task.ID) *line {
	s, key := &t.emissions, lineKey{depot, partition}
	l := s.byKey[key]
	if l == nil {
		l = &line{depot: depot, partition: partition, name: t.config.Random.Uint32()}
		if s.byKey == nil {
			s.byKey = map[lineKey]*line{}
		}
		s.byKey[key] = l
		s.lines = append(s.lines, l)
	}
	return l
}

// sendLines sends what the slot held when it was taken.
func (t *Task) sendLines() {
	for _, l := range t.emissions.lines {
		t.sendLine(l)
	}
}

// sendLine sends what a line may send. Before the task runs nothing leaves: what the
// slot holds may not have its level yet.
func (t *Task) sendLine(l *line) {
	switch {
	case t.phase != running || l.broken:
	case l.toTopics():
		t.writeTopics(l)
	default:
		for l.sent < len(l.waiting) && l.underWay < lineWindow && (l.known > 0 || l.sent == 0) {
			e := l.waiting[l.sent]
			l.sent++
			l.underWay++
			t.sendAppend(e, t.numberedRecord(e))
		}
	}
}

// numberedRecord adds to a record what it says of itself.
func (t *Task) numberedRecord(e *emission) depot.Record {
	id := wire.AppendID{Module: t.plan.Module, Task: t.config.Task, Line: e.line.name, Number: e.number, Known: e.line.known, Commit: e.commit}
	r := e.Record
	r.Headers = append(append(make([]depot.Header, 0, len(r.Headers)+1), r.Headers...), depot.Header{Key: wire.AppendHeader, Value: id.AppendText(nil)})
	return r
}

// numberedDone takes the log's answer to a numbered append.
func (t *Task) numberedDone(e *emission, err error) {
	l := e.line
	l.underWay--
	if err != nil {
		t.breakLine(l)
	} else if !l.broken {
		e.inLog = true
		t.advanceLine(l)
	}
	if l.broken && l.underWay == 0 {
		t.pauseLine(l)
	}
	t.sendLine(l)
}

// breakLine has a line send nothing until it is sent again.
func (t *Task) breakLine(l *line) {
	if !l.broken {
		l.broken = true
		t.emissions.broken++
	}
}

// pauseLine plans when a broken line of which nothing is under way is sent again.
func (t *Task) pauseLine(l *line) {
	l.tries++
	o := &t.options
	l.againAt = t.now + stream.Backoff(uint16(min(l.tries+1, 30)), int64(o.RetryBackoff), int64(o.RetryBackoffMax), t.config.Random.Float64())
}

// advanceLine ends the appends at the head of a line that the log has.
func (t *Task) advanceLine(l *line) {
	n := 0
	for n < len(l.waiting) && l.waiting[n].inLog {
		e := l.waiting[n]
		n++
		l.known = e.number
		l.tries = 0
		t.emissions.bytes -= bytesOfAppend(&e.Append)
		if u := e.said; u != nil {
			if u.left--; u.left == 0 {
				delete(u.done.source.unsaid, u.done.record.Offset)
				t.recordDone(&u.done)
			}
		}
		if e.number == e.chunk.last {
			t.trim(e.chunk)
		}
	}
	clear(l.waiting[:n])
	l.waiting = l.waiting[n:]
	l.sent -= n
	if len(l.waiting) == 0 {
		l.waiting = nil
	}
}

// sendAgain sends the lines again that failed, when their pause is over.
func (t *Task) sendAgain() {
	if t.emissions.broken == 0 {
		return
	}
	for _, l := range t.emissions.lines {
		if !l.broken || l.underWay > 0 || t.now < l.againAt {
			continue
		}
		l.broken, l.sent = false, 0
		t.emissions.broken--
		for _, e := range l.waiting {
			e.inLog = false // sent behind one that failed: it is dropped there
		}
		t.sendLine(l)
	}
}

// nextAppend is when the next line is to be sent again, or the next trim is due; 0 if
// neither.
func (t *Task) nextAppend() int64 {
	var at int64
	if t.emissions.broken > 0 {
		for _, l := range t.emissions.lines {
			if l.broken && l.underWay == 0 && (at == 0 || l.againAt < at) {
				at = l.againAt
			}
		}
	}
	if s := &t.emissions.trims; len(s.chunks) > 0 {
		if due := s.since + int64(t.options.CheckpointPeriod); at == 0 || due < at {
			at = due
		}
	}
	return at
}
