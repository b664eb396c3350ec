package runtime

// A record may set off a thousand events, on this task and on all others, and as many records
// may be under way as topology.stream.max.executing.per.task allows: what they set off would wait in memory
// by the million, far from any cache of the processor. So where more events are on their way than a task takes
// for some batches, its sources begin records at the pace at which events run: one for each
// so many as a record of this source typically sets off by its own event. What is typical is about the median:
// beside one huge record small ones begin as they come (TestARecordBeginsBesideManyEvents).
//
// What the events of a record set off in turn does not count: a record that hops once, and sets off
// a thousand events there, begins as before.

// pace is that of a source.
type pace struct {
	typical int // events that a record sets off, 1 at least; 0: none has run yet
	seen    int // records that have run, up to paceBegin
	begun   int // records of this draw; turns begins it
	ran     int // events that have run on the task for which no record was begun
}

const (
	// aheadBatches is for how many batches events may be on their way before sources keep to the
	// pace. Each source counts what it begins with a draw for itself, so that none stops the others.
	aheadBatches = 4
	// paceBegin is how many records of a source begin with a draw as long as not as many have run.
	paceBegin = 4
	// paceLearns is how many times more one of the first records may make typical, and paceMoves how
	// many times more or less one of the later ones: those tell it, and one that is huge does not.
	paceLearns, paceMoves = 64, 8
)

// set notes how many events a record has set off.
func (p *pace) set(events int) {
	up := paceMoves
	if p.seen < paceBegin {
		up = paceLearns
		p.seen++
	}
	if events = max(events, 1); events > p.typical {
		p.typical = min(up*max(p.typical, 1), events)
	} else {
		p.typical = max(p.typical/paceMoves, events)
	}
}

// failed notes that a record has failed, of which nobody knows what it would have set off.
func (p *pace) failed() { p.seen = min(p.seen+1, paceBegin) }

// run notes that so many events are about to run.
func (p *pace) run(events int) { p.ran = min(p.ran+events, max(p.typical, drawAhead)) }

// paced reports whether a record of the source may begin, as far as its pace goes.
func (t *Task) paced(s *source) bool {
	p := &s.pace
	return (p.seen == paceBegin || p.begun < paceBegin) && t.mayPace(p)
}

// mayPace reports whether so few events are on their way, or so many have run, that a record may
// begin.
func (t *Task) mayPace(p *pace) bool {
	return t.queue.coming+p.begun*p.typical < aheadBatches*t.options.MaxEventsPerBatch || p.ran >= p.typical
}

// beginsAtPace notes that a record of the source begins.
func (t *Task) beginsAtPace(s *source) {
	p := &s.pace
	p.begun, p.ran = p.begun+1, max(p.ran-p.typical, 0)
}

// sending is how many events the open batch and the one that is being committed have sent off:
// as many come from others, where records are shared out evenly.
func (t *Task) sending() int {
	n := 0
	if t.host.Out != nil {
		n = t.host.Out.Mark()
	}
	if t.inflight != nil {
		n += t.inflight.sent
	}
	return n
}

// draws tells the sources that so many events are about to run. If there are none, what waits
// is held, and does not hold up records.
func (t *Task) draws(events int) {
	if events == 0 {
		t.queue.coming = t.sending()
	}
	waiting := 0
	for _, s := range t.streamed {
		if s.waits() {
			waiting++
		}
	}
	share := (events + waiting - 1) / max(waiting, 1) // each of them would set off as many as run
	for _, s := range t.streamed {
		s.pace.run(share)
	}
}
