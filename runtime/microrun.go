package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/task"
)

// run is a task's part of an attempt at a microbatch: its events run over a view of
// their own, on what is committed, and nothing of it leaves the view before the stage is
// stored. Their hops leave at once: they rest on no commit.
type run struct {
	micro   *micro
	name    microbatch.Name
	mark    *task.Mark // the same, as events carry it
	view    *overlay.View
	attempt uint16
	told    bool // its ranges
	ranges  []wire.MicroRange
	parks   []wire.MicroPark
	begun   bool   // its records have been taken
	records []item // that are to run
	next    int    // the first that is not drawn
	left    int    // that have not run
	count   int64  // of the records, those that are put aside included
	delta   uint64 // acks that are to be told
	over    bool   // the task has left it
	appends []wire.StagedAppend
	parked  []aside
	ended   staged
	again   []*order // for what was put aside before, and runs again in it

	commands int // orders that the task has given itself

	round  int         // the last that has begun here
	latest int64       // append time of the latest record, milliseconds
	memory host.Memory // of batch blocks
}

// leave has the task be in no attempt: what is left of it takes no effect.
func (m *micro) leave() {
	if m.run != nil {
		m.run.over = true
		m.run = nil
	}
}

// newRun begins a task's part, with an empty overlay.
func (t *Task) newRun(m *micro) *run {
	r := &run{micro: m, name: m.member.Name(), view: t.runView(m)}
	r.mark = &task.Mark{Token: r.name.Token, Number: r.name.ID}
	r.view.Suspend = t.suspend
	r.view.Accesses = t.view.Accesses
	return r
}

// runView is an overlay with nothing in it but, where this owner has applied the microbatch
// before, what that one has read and written.
func (t *Task) runView(m *micro) *overlay.View {
	v := m.applied
	if m.applied = nil; v == nil {
		v = overlay.New(t.config.Tag, len(t.plan.PStates)+1)
		// Only microbatches of the topology write its PStates. All that come after this view
		// was made and before it is given up are applied from it: another attempt, and one
		// behind a microbatch that somebody else has applied, begins with a view of its own.
		v.Tasks, v.Sole = t.config.Tasks, true
		return v
	}
	v.Confirm(t.options.CacheEntriesMax)
	v.KeepOnly(m.topology.plan.Name)
	return v
}

// begin takes the ranges that the coordinator has fixed.
func (r *run) begin(in *wire.Micro) {
	r.told, r.ranges, r.parks, r.attempt = true, in.Ranges, in.Parks, in.Attempt
}

// startRun takes the records of the ranges, when all of them are here.
func (t *Task) startRun(m *micro) {
	r := m.run
	if r == nil || !r.told || r.begun {
		return
	}
	here := true
	for _, g := range r.ranges {
		if g.Parked != "" {
			continue
		}
		s := m.source(g.Source)
		if s == nil {
			t.cannot(m, r.name, fmt.Sprintf("this version of the module has no source %d", g.Source))
			return
		}
		if s.ticks() {
			continue // which one it is, the range says
		}
		s.wantTo = g.To
		if s.seen < g.To {
			here = false
			t.steer(s.strand)
		}
	}
	if !here {
		return
	}
	r.begun, t.micros.begun = true, true
	r.makeRoom()
	for _, g := range r.ranges {
		if g.Parked != "" {
			t.findParked(r, g)
			continue
		}
		s := m.source(g.Source)
		if s.ticks() {
			r.takeTick(t, s, g)
			continue
		}
		s.each(func(record *depot.Record) bool {
			if record.Offset >= g.From && record.Offset < g.To && !s.progress.Done(record.Offset) {
				r.count++
				r.latest = max(r.latest, record.Time.UnixMilli())
				r.take(t, s, record)
			}
			return record.Offset < g.To
		})
	}
	r.left = len(r.records) + r.commands
	r.rest(t)
}

// makeRoom makes room for the records of the ranges, of which all are here.
func (r *run) makeRoom() {
	n := int64(0)
	for _, g := range r.ranges {
		if s := r.micro.source(g.Source); g.Parked == "" && s != nil {
			n += min(g.To-g.From, int64(s.count))
		}
	}
	r.records = make([]item, 0, n)
}

// rest acks the task's root when none of its records is left.
func (r *run) rest(t *Task) {
	if r.left == 0 {
		r.delta ^= r.name.Root(t.config.Task)
	}
}

// startRound begins a round of batch blocks: with one event, which the task sends itself.
func (t *Task) startRound(m *micro, n microbatch.Name, round int) {
	r, rounds := m.run, m.topology.plan.Rounds
	if !r.begun || round != r.round+1 {
		return // it has begun already
	}
	if round > len(rounds) {
		t.cannot(m, n, "this version of the module has fewer rounds of batch blocks")
		return
	}
	r.round, t.micros.begun = round, true
	step := rounds[round-1]
	f := &wire.Frame{From: t.config.Task, To: t.config.Task, Columns: make([]wire.Column, len(t.steps))}
	f.Columns[step.ID] = step.NewColumn(true)
	f.Columns[step.ID].Add([]byte("{}"))
	f.Events = []wire.Event{{
		Origin: wire.Origin{
			Tree: acker.Ref{Slot: wire.MicroSlot(t.config.Task, 0), ID: n.Tree()}, Root: coordinating,
			Source: wire.NoSource, Attempt: r.attempt, Offset: int64(round), Time: r.latest, Generation: r.mark,
		},
		Seed: n.RoundSeed(m.topology.plan.Name, t.config.Task, round), Step: step.ID,
	}}
	t.enqueue(f)
}

// take has a record run, or puts it aside.
func (r *run) take(t *Task, s *source, record *depot.Record) {
	try := try{source: s, record: record, attempt: r.attempt}
	for _, k := range r.parks {
		if int(k.Source) == s.plan.ID && k.Offset == record.Offset && k.Parked == "" {
			p := parkedRecord(&finished{try: try, outcome: wire.Parked, text: k.Reason})
			t.command(r, &order{part: r, found: p, again: k.Reason})
			return
		}
	}
	r.records = append(r.records, item{try: try, part: r})
}

// source finds a source of this task by its number.
func (m *micro) source(id uint16) *source {
	for _, s := range m.topology.sources {
		if s.plan.ID == int(id) {
			return s
		}
	}
	return nil
}

// drawMicros puts records of microbatches among the items to run.
func (t *Task) drawMicros() {
	for _, m := range t.micros.all {
		r := m.run
		for n := 0; r != nil && r.next < len(r.records) && len(t.queue.drawn) < drawAhead-t.queue.streams && n < laneTurn; n++ {
			if !t.mayBegin(r.records[r.next].source) {
				break
			}
			t.queue.drawn = append(t.queue.drawn, r.records[r.next])
			r.next++
		}
	}
}

// partOf finds the attempt that an event of a microbatch topology belongs to; ok is false
// where this task is not in it.
func (t *Task) partOf(it *item) (part *run, ok bool) {
	if it.part != nil {
		return it.part, !it.part.over
	}
	if it.frame == nil || it.command != nil {
		return nil, true
	}
	e := &it.frame.Events[it.index]
	m := t.topology[t.steps[e.Step].TopologyID()].micro
	if m == nil {
		return nil, true
	}
	if m.run == nil || e.Generation == nil || *e.Generation != *m.run.mark {
		return nil, false
	}
	return m.run, true
}

// viewOf is the view that an event runs over.
func (t *Task) viewOf(part *run) *overlay.View {
	if part != nil {
		return part.view
	}
	return t.view
}

// strayed tells the coordinator that an event came to a task that is not in its attempt.
func (t *Task) strayed(it *item) {
	e := &it.frame.Events[it.index]
	m := t.topology[t.steps[e.Step].TopologyID()].micro
	if e.Generation == nil {
		return
	}
	n := microbatch.Name{ID: e.Generation.Number, Token: e.Generation.Token}
	if m.failed != n {
		m.failed = n
		t.cannot(m, n, "an event came to a task that is not in the attempt")
	}
}

// prepareMicro sets the event up for a record of a microbatch.
func (t *Task) prepareMicro(it *item) {
	r, s := it.part, it.source
	origin := wire.Origin{
		Tree: acker.Ref{Slot: wire.MicroSlot(t.config.Task, it.again), ID: r.name.Tree()}, Root: coordinating,
		Source: uint16(s.plan.ID), Attempt: r.attempt, Offset: it.record.Offset, Time: it.record.Time.UnixMilli(),
		Trace: traceOf(it.record), Generation: r.mark,
	}
	t.host.Begin(origin, acker.Seed(s.topology.plan.Name, s.plan.Name, it.record.Partition, it.record.Offset), it.record)
}

// microEventDone books an event of a microbatch that ended well.
func (t *Task) microEventDone(it *item) {
	r, h := it.part, t.host
	h.Settle()
	for _, a := range h.Appends() {
		r.appends = append(r.appends, wire.StagedAppend{
			Step: t.stepName(it), Depot: a.Depot, Topic: a.Topic, Partition: a.Partition, Record: a.Record, Seed: a.Seed,
		})
	}
	delta, _ := h.Delta()
	t.microEventOver(it, delta)
	if r.view.Dirty()+len(r.appends) > t.options.MaxFieldsPerBatch {
		t.microFails(it, &wire.MicroFailure{Large: true, Text: fmt.Sprintf("the microbatch writes more than %d fields on task %d", t.options.MaxFieldsPerBatch, t.config.Task)})
	} else if bytes := r.written(t.options.MaxBytesPerBatch); int64(bytes) > t.options.MaxBytesPerBatch {
		t.microFails(it, &wire.MicroFailure{Large: true, Text: fmt.Sprintf("the microbatch writes %d bytes on task %d, more than %d", bytes, t.config.Task, t.options.MaxBytesPerBatch)})
	}
}

// written is about how many bytes the attempt writes here. What was written several times is
// counted once only where the bound asks for it.
func (r *run) written(most int64) int {
	if n := r.view.Written(); int64(n) <= most {
		return n
	}
	return r.view.Recount()
}

// microEventOver acks an event: delta is its own id with those of its children.
func (t *Task) microEventOver(it *item, delta uint64) {
	r := it.part
	if !it.isRoot() {
		r.delta ^= delta
		return
	}
	r.delta ^= delta ^ acker.EventID(r.name.Tree(), t.host.Seed) // records are not tracked one by one
	r.left--
	r.rest(t)
}

// microEventFailed books an event of a microbatch that failed; what it did is rolled back.
// One that rejects or parks is part of the microbatch (R34); any other error ends the
// attempt.
func (t *Task) microEventFailed(it *item, err error) {
	own := acker.EventID(it.part.name.Tree(), t.host.Seed)
	switch outcome := outcomeOf(err); outcome {
	case wire.Rejected:
		if it.isRoot() && it.again == 0 {
			it.part.ended.rejected++
		}
		t.microEventOver(it, own)
	case wire.Parked:
		t.parkStaged(it.part, t.parkedMicro(it, err), t.host.Origin.Trace)
		t.microEventOver(it, own)
	default:
		t.microFails(it, &wire.MicroFailure{Text: t.stepName(it) + ": " + err.Error(), Record: outcome == wire.Failed})
	}
}

// microFails ends the attempt on this task, and has the coordinator begin another one.
func (t *Task) microFails(it *item, why *wire.MicroFailure) {
	r, o := it.part, &t.host.Origin
	if o.Source == wire.NoSource {
		why.Record, why.Block = false, why.Record
	} else {
		why.Source, why.Offset = o.Source, o.Offset
		why.Task, why.Again = wire.MicroPart(o.Tree.Slot)
		why.Record = why.Record || why.Large
	}
	t.sayMicro(r.micro, coordinating, wire.Micro{Kind: uint8(microbatch.Fails), ID: r.name.ID, Token: r.name.Token, Failure: why})
	t.counts.Failed++
	info := RecordInfo{
		TaskInfo: t.info, Depot: t.depotName(r.micro.topology.plan.ID, o.Source), Topology: r.micro.topology.plan.Name, Source: t.sourceName(r.micro.topology.plan.ID, o.Source),
		Partition: why.Task, Offset: o.Offset, Attempt: int(r.attempt), Microbatch: r.name.ID, Err: why.Text, Trace: o.Trace,
	}
	r.micro.failure.note(&info, t.now, why.Again)
	if t.listener.RecordFailed != nil {
		t.listener.RecordFailed(info)
	}
	r.micro.member.Quit()
	r.micro.leave()
}

// tellAcks tells the coordinator which events are over.
func (t *Task) tellAcks(m *micro) {
	if r := m.run; r != nil && r.delta != 0 {
		t.sayMicro(m, coordinating, wire.Micro{Kind: uint8(microbatch.Acks), ID: r.name.ID, Token: r.name.Token, Delta: r.delta})
		r.delta = 0
	}
}
