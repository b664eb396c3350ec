package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// events finds those of the record that are on the task, or have not left it.
func (l *looker) events() {
	if l.t.phase != running {
		return
	}
	l.queued()
	l.drawnEvents()
	l.asideEvents()
	l.readingEvent()
	l.heldFrames()
	l.channels()
	l.batches()
	l.callsUnderWay()
	l.appendsUnderWay()
}

// add notes an event if it is one of the record.
func (l *looker) add(e *wire.Event, at task.ID, state eventtree.State, waits string) *eventtree.Event {
	found, ok := matches(l.t.plan, l.t.steps, l.q, e)
	if !ok {
		return nil
	}
	found.Task, found.State, found.Waits = at, state, waits
	l.part.Events = append(l.part.Events, found)
	return &l.part.Events[len(l.part.Events)-1]
}

// queued are the events in the lanes of senders.
func (l *looker) queued() {
	t := l.t
	for from, lane := range t.queue.lanes {
		if lane == nil {
			continue
		}
		before := len(t.queue.drawn) - t.queue.at
		held := ""
		lane.each(func(e *wire.Event) bool {
			if held == "" {
				held = l.gated(e)
			}
			if found := l.add(e, t.config.Task, eventtree.Queued, ""); found != nil {
				found.Waits = fmt.Sprintf("its turn: %d events run before it, of other senders and of task %d, which sent it", before, from)
				if held != "" {
					found.Waits = held
				}
			}
			before++
			return true
		})
		for _, e := range lane.spool.entries {
			l.part.Unseen += e.events
		}
	}
	for i := range t.spills.outlets {
		for _, e := range t.spills.outlets[i].spool.entries {
			l.part.Unseen += e.events
		}
	}
}

// gated names the hold that an event meets, "" if none.
func (l *looker) gated(e *wire.Event) string {
	for _, g := range l.t.gates {
		if g.step != nil && g.step.ID == e.Step && g.let == 0 {
			return "a hold of the test kit at step " + g.step.Name
		}
	}
	return ""
}

// drawnEvents are those that run next.
func (l *looker) drawnEvents() {
	q := &l.t.queue
	for i := q.at; i < len(q.drawn); i++ {
		if it := &q.drawn[i]; it.frame != nil {
			l.add(&it.frame.Events[it.index], l.t.config.Task, eventtree.Queued, fmt.Sprintf("its turn: %d events run before it", i-q.at))
		}
	}
}

// behindOne is what an event waits for whose key's event has yielded.
const behindOne = "an event of its key that has given the task up, and goes on before it"

// asideEvents are those that wait for one of their key that has yielded.
func (l *looker) asideEvents() {
	l.t.queue.eachAside(func(y *yielded) {
		for i := range y.waiting {
			if it := &y.waiting[i]; it.frame != nil {
				l.add(&it.frame.Events[it.index], l.t.config.Task, eventtree.Queued, behindOne)
			}
		}
	})
}

// readingEvent is the one whose handler waits for what it reads.
func (l *looker) readingEvent() {
	t, h := l.t, l.t.host
	if !t.co.waiting || t.config.Watch == nil || h.Record != nil {
		return
	}
	if number := int(t.reads.what>>(64-handlerBits)) - 1; number >= 0 && number < len(t.steps) {
		l.add(&wire.Event{Origin: h.Origin, Seed: h.Seed, Step: uint16(number)}, t.config.Task, eventtree.Reading, "the store, for what its handler reads")
	}
}

// heldFrames wait for a look at their senders' heads.
func (l *looker) heldFrames() {
	for from := range l.t.peers {
		for _, held := range l.t.peers[from].held {
			for i := range held.frame.Events {
				if e := l.add(&held.frame.Events[i], l.t.config.Task, eventtree.Held, fmt.Sprintf("a look at the head of task %d: its owner is new here, or its server's history another one", from)); e != nil {
					e.Since = l.q.At(held.at)
				}
			}
		}
	}
}

// channels has the events of exactly-once topologies: those that came, and those that were
// sent and not confirmed.
func (l *looker) channels() {
	t := l.t
	for id := range t.hops.in {
		in := &t.hops.in[id]
		first, waits := true, fmt.Sprintf("its turn in the channel from task %d", id)
		failing := in.failures > 0
		in.Undrawn(func(e *wire.Event) {
			state := eventtree.Queued
			switch {
			case failing && first:
				state = eventtree.Retrying
			case failing:
				state = eventtree.Behind
			}
			if found := l.add(e, t.config.Task, state, waits); found != nil {
				found.Attempt = 1
				switch state {
				case eventtree.Retrying:
					found.Attempt, found.Next = in.failures+1, l.q.At(in.heldUntil)
					found.Waits = fmt.Sprintf("the pause before attempt %d", in.failures+1)
				case eventtree.Behind:
					found.Waits = fmt.Sprintf("an event before it in the channel from task %d, which failed and is tried again", id)
				}
			}
			first = false
		})
	}
	for to := range t.hops.out {
		for _, p := range t.hops.out[to].Unconfirmed() {
			parcel, err := wire.ParseParcel(p.Raw, t.config.Task, task.ID(to), t.directory)
			if err != nil {
				continue // it was read before
			}
			l.frame(parcel.Frame, task.ID(to), eventtree.Hopping, fmt.Sprintf("task %d, which has not confirmed parcel %d", to, p.Number))
		}
	}
}

func (l *looker) frame(f *wire.Frame, to task.ID, state eventtree.State, waits string) {
	for i := range f.Events {
		l.add(&f.Events[i], to, state, waits)
	}
}

// batches has the events that have run and are not committed, as far as they are noted,
// and those that they sent off.
func (l *looker) batches() {
	t := l.t
	if t.open != nil {
		state, waits := l.stateOf(t.open)
		if t.host.Out != nil {
			t.host.Out.Each(func(to task.ID, f *wire.Frame) {
				l.frame(f, to, eventtree.Leaving, waits)
				l.acks(f.Acks, state, waits, t.open)
			})
		}
	}
	for _, b := range []*batch{t.inflight, t.held} {
		if b == nil {
			continue
		}
		state, waits := l.stateOf(b)
		for _, f := range b.frames {
			l.frame(f, f.To, eventtree.Leaving, waits)
			l.acks(f.Acks, state, waits, b)
		}
		for i := range b.parcels {
			p := b.parcels[i].opened
			if p == nil {
				var err error
				if p, err = wire.ParseParcel(b.parcels[i].parcel.Raw, t.config.Task, b.parcels[i].to, t.directory); err != nil {
					continue
				}
			}
			l.frame(p.Frame, b.parcels[i].to, eventtree.Leaving, waits)
		}
		for _, c := range b.calls {
			l.frame(c.frame, t.config.Task, eventtree.Leaving, waits)
		}
	}
}

// acks notes that events of the record's trees have run: which ones, acks do not say.
func (l *looker) acks(acks []wire.Ack, state eventtree.State, waits string, b *batch) {
	for i := range acks {
		a := &acks[i]
		for _, id := range l.q.Trees {
			have := l.part.Events
			if n := len(have); uint64(id) != a.Tree.ID || n > 0 && have[n-1].Tree == id && have[n-1].Step == ranStep && have[n-1].State == state {
				continue
			}
			l.part.Events = append(have, eventtree.Event{Step: ranStep, Tree: id, Task: l.t.config.Task, State: state, Waits: waits, Batch: markText(b.mark)})
		}
	}
}

// ranStep stands for events that have run and of which only that is noted.
const ranStep = "(events that have run)"

func markText(m task.Mark) string {
	if m.Token.IsZero() {
		return ""
	}
	return m.String()
}

// callsUnderWay are the calls to the outside.
func (l *looker) callsUnderWay() {
	c := &l.t.calls
	waits := map[*call]string{}
	for _, one := range c.queued {
		waits[one] = fmt.Sprintf("room: %d calls are under way on the task, the limit of topology.stream.max.calls.per.task", c.running)
	}
	for _, one := range c.returned {
		waits[one] = "its turn: the call has returned"
	}
	for _, one := range c.resting {
		waits[one] = fmt.Sprintf("the pause before attempt %d of the call", one.failures+1)
	}
	for _, one := range c.all {
		text, ok := waits[one]
		if !ok {
			text = "the outside: the call is under way"
		}
		if l.leaves(one) {
			continue
		}
		e := l.add(&one.frame.Events[0], l.t.config.Task, eventtree.Calling, text)
		if e == nil {
			continue
		}
		if e.Attempt = max(e.Attempt, one.failures+1); one.readyAt > l.t.now {
			e.State, e.Next = eventtree.Retrying, l.q.At(one.readyAt)
		}
	}
}

// leaves reports whether a call waits for the commit of the event that started it.
func (l *looker) leaves(c *call) bool {
	for _, b := range []*batch{l.t.inflight, l.t.held} {
		if b == nil {
			continue
		}
		for _, one := range b.calls {
			if one == c {
				return true
			}
		}
	}
	return false
}

// appendsUnderWay are what events of the record's trees append and the log has not
// confirmed.
func (l *looker) appendsUnderWay() {
	note := func(e *emission) {
		for _, id := range l.q.Trees {
			if e.tree.ID == uint64(id) && e.root == l.q.Partition {
				l.part.Events = append(l.part.Events, eventtree.Event{
					Step: e.step, Tree: id, Task: l.t.config.Task, ID: eventtree.ID(e.Seed),
					State: eventtree.Appending, Waits: "the log, for the append to " + e.where(),
				})
			}
		}
	}
	for _, e := range l.t.emissions.underWay {
		note(e)
	}
	for _, line := range l.t.emissions.lines {
		for _, e := range line.waiting {
			if l.t.emissions.underWay == nil || !e.inLog {
				note(e)
			}
		}
	}
}
