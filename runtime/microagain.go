package runtime

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// What a microbatch topology has put aside runs again as a part of a later microbatch: it is
// a range of one record, which lies in the slot and not in the depot. So every attempt has
// it, whoever owns the task, and it leaves the parked ones in the commit that applies what it
// did. It has one attempt; if that fails it stays parked, with the new reason.

// microNamed finds a microbatch topology.
func (t *Task) microNamed(topology string) *micro {
	for _, m := range t.micros.all {
		if m.topology.plan.Name == topology {
			return m
		}
	}
	return nil
}

// parkedName names what an order is about in a range.
func (o *order) parkedName() string {
	if o.Event == "" {
		return wire.ParkedWhole
	}
	return o.Step + "/" + o.Event
}

// parkedReady is what people want to have run again: no more of it than of a partition,
// nothing of a source that may begin no record now, and each once, whoever wants it.
func (t *Task) parkedReady(m *micro) (ready []wire.MicroRange) {
	if len(t.orders) == 0 {
		return nil
	}
	open := map[string]bool{} // by source
	for _, o := range t.orders {
		if len(ready) >= m.topology.options.MicrobatchRecordsMax {
			break
		}
		n := m.topology.numberOf(o.Source)
		if o.waits != m || n < 0 {
			continue
		}
		may, known := open[o.Source]
		if !known {
			s := t.sourceFor(m.topology.plan.Name, o.Source)
			may = s != nil && t.shut(s) == "" && t.mayBegin(s)
			open[o.Source] = may
		}
		g := wire.MicroRange{Source: uint16(n), From: o.Offset, To: o.Offset + 1, Parked: o.parkedName()}
		if may && !slices.Contains(ready, g) {
			ready = append(ready, g)
		}
	}
	return ready
}

// refuseWaiting answers orders that no microbatch of this owner's will carry out.
func (t *Task) refuseWaiting(m *micro) {
	for _, o := range slices.Clone(t.orders) {
		if o.waits == m {
			t.answerOrder(o, AnswerHalted, "the task is about to end")
		}
	}
}

// runsAgain reports whether what an order is about is part of an attempt that this owner is in.
func (t *Task) runsAgain(o *order) bool {
	m := t.microNamed(o.Topology)
	if m == nil {
		return false
	}
	same := func(have *order) bool { return have.field() == o.field() }
	return m.run != nil && slices.ContainsFunc(m.run.again, same) || m.stage != nil && m.stage.changesParked(wire.ParkedTable(t.config.Tag).Key, o.field())
}

// changesParked reports whether what is staged takes something out of the parked ones, or puts
// it there: also a stage that this owner has found in the slot, which may be decided.
func (st *stage) changesParked(table, field string) bool {
	for i := range st.Changes {
		if c := &st.Changes[i]; c.Table.Key == table {
			return slices.ContainsFunc(c.Writes, func(w store.Write) bool { return w.Field == field })
		}
	}
	return false
}

// findParked has what a range names be read from the slot, as an order to itself.
func (t *Task) findParked(r *run, g wire.MicroRange) {
	source, ok := r.micro.topology.sourceName(g.Source)
	if !ok {
		return // of another version: it stays parked
	}
	o := &order{Parked: Parked{Topology: r.micro.topology.plan.Name, Source: source, Offset: g.From}, part: r, number: g.Again}
	if g.Parked != wire.ParkedWhole {
		o.Step, o.Event = cutLast(g.Parked)
	}
	for _, k := range r.parks {
		if k.Source == g.Source && k.Offset == g.From && k.Parked == g.Parked {
			o.again = k.Reason
		}
	}
	r.again = append(r.again, o)
	t.command(r, o)
}

// command has an order about what is put aside carried out between two events: one that
// waits for what it reads may be in the middle of the attempt's view.
func (t *Task) command(r *run, o *order) {
	r.commands++
	t.queue.drawn = append(t.queue.drawn, item{command: o})
}

// cutLast cuts "<step>/<event>"; a step may have a stroke in its name.
func cutLast(name string) (step, event string) {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[:i], name[i+1:]
		}
	}
	return "", name
}

// foundParked goes on with what was read: it runs in the attempt, or stays put aside.
func (t *Task) foundParked(o *order, err error) {
	r, p := o.part, &o.found
	switch {
	case r.over:
		return
	case err != nil: // somebody has dropped it meanwhile
		r.left--
		r.rest(t)
	case o.again != "":
		t.staysParked(r, p, o.again)
	case p.Event != "":
		t.runParkedEvent(r, p, o.number)
	default:
		s := t.sourceNamed(p.Topology, p.Source)
		if s == nil {
			t.staysParked(r, p, "the module no longer has source "+p.Source)
			return
		}
		t.unparkStaged(r, p)
		r.records = append(r.records, item{try: try{source: s, record: recordOf(p), attempt: r.attempt, again: o.number}, part: r})
	}
}

// staysParked leaves it among the parked ones, with the new reason.
func (t *Task) staysParked(r *run, p *wire.ParkedRecord, why string) {
	again := *p
	again.Reason = why
	t.parkStaged(r, again, traceOf(recordOf(p)))
	r.left--
	r.rest(t)
}

// unparkStaged takes it out of the parked ones, with the microbatch.
func (t *Task) unparkStaged(r *run, p *wire.ParkedRecord) {
	path := t.parkedPath(p.Field())
	save := r.view.Begin()
	r.view.Owner = parkedOwner
	overlay.Delete[wire.ParkedRecord](r.view, &path)
	if err := r.view.Failure(); err != nil {
		t.halt(fmt.Errorf("parked records: %w", err))
	}
	r.view.Release(save)
}

// runParkedEvent has an event that was put aside run in the attempt, as if the task had
// sent it to itself.
func (t *Task) runParkedEvent(r *run, p *wire.ParkedRecord, number uint16) {
	step := slices.IndexFunc(t.steps, func(s *module.StepPlan) bool {
		return s != nil && s.Topology == p.Topology && (s.Name == p.Step || slices.Contains(s.FormerNames, p.Step))
	})
	seed, err := strconv.ParseUint(p.Event, 16, 64)
	source := r.micro.topology.numberOf(p.Source)
	if step < 0 || err != nil || source < 0 {
		t.staysParked(r, p, fmt.Sprintf("the module no longer has step %s of source %s", p.Step, p.Source))
		return
	}
	t.unparkStaged(r, p)
	column := t.steps[step].NewColumn(true)
	column.Add(bytesOf(p.Text, p.Bytes))
	f := &wire.Frame{From: t.config.Task, To: t.config.Task, Columns: make([]wire.Column, len(t.steps))}
	f.Columns[step] = column
	f.Events = []wire.Event{{
		Origin: wire.Origin{
			Tree: acker.Ref{Slot: wire.MicroSlot(task.ID(p.Partition), number), ID: r.name.Tree()}, Root: coordinating,
			Source: uint16(source), Attempt: r.attempt, Offset: p.Offset, Time: p.TimeMillis, Generation: r.mark,
		},
		Seed: seed, Step: uint16(step),
	}}
	r.delta ^= acker.EventID(r.name.Tree(), seed) // its own ack takes it away
	r.left--
	r.rest(t)
	t.enqueue(f)
}

// parkedAgain is what an attempt ran again of a field of the parked ones, if it did.
func (r *run) parkedAgain(field string) *wire.ParkedRecord {
	for _, o := range r.again {
		if o.found.Version != 0 && o.field() == field {
			return &o.found
		}
	}
	return nil
}

// answerAgain tells those who had something run again how it ended.
func (t *Task) answerAgain(st *stage) {
	for _, ran := range st.again {
		for _, o := range slices.Clone(t.orders) {
			if o.waits == nil || o.field() != ran.field() {
				continue
			}
			i := slices.IndexFunc(st.parked, func(a aside) bool { return a.field == ran.field() })
			switch {
			case i >= 0:
				t.answerOrder(o, AnswerParked, st.parked[i].info.Err)
			case ran.found.Version == 0:
				t.answerOrder(o, AnswerFailed, "it is no longer parked")
			default:
				t.answerOrder(o, AnswerDone, "")
			}
		}
	}
}
