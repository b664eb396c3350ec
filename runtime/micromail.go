package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/task"
)

// sayMicro sends what a coordinator or a task has to say; with what else is said to the same
// task it makes one frame. What it rests on is committed.
func (t *Task) sayMicro(m *micro, to task.ID, message wire.Micro) {
	message.Topology = uint16(m.topology.plan.ID)
	if to == t.config.Task {
		t.micros.own = append(t.micros.own, message)
		return
	}
	f := t.micros.mail[to]
	if f == nil {
		f = &wire.Frame{To: to}
		t.micros.mail[to] = f
	}
	f.Micros = append(f.Micros, message)
}

func (t *Task) postMicros() {
	for to, f := range t.micros.mail {
		if f != nil {
			t.micros.mail[to] = nil
			t.ship(f)
		}
	}
}

// tellMicro says something of an attempt, or of the stamp, to the coordinator.
func (t *Task) tellMicro(m *micro, kind microbatch.Kind, n microbatch.Name) {
	t.sayMicro(m, coordinating, wire.Micro{Kind: uint8(kind), ID: n.ID, Token: n.Token})
}

// onMicros takes in what a frame says of microbatches.
func (t *Task) onMicros(f *wire.Frame) {
	for i := range f.Micros {
		if t.phase != running {
			return
		}
		t.onMicro(f.From, f.Sender, f.Lineage.Same(t.lineage), &f.Micros[i])
	}
}

// onMicro takes in one message; sender is the head of who sent it, at that moment, shown
// whether that needs no proof (R14).
func (t *Task) onMicro(from task.ID, sender task.Mark, shown bool, in *wire.Micro) {
	if int(in.Topology) >= len(t.topology) || t.topology[in.Topology].micro == nil {
		return // of another version
	}
	m := t.topology[in.Topology].micro
	n := microbatch.Name{ID: in.ID, Token: in.Token}
	switch kind := microbatch.Kind(in.Kind); kind {
	case microbatch.Join, microbatch.Run, microbatch.Stage, microbatch.Apply:
		if from == coordinating {
			t.onOrder(m, kind, n, sender, shown, in)
		}
	default:
		if m.coordinator != nil {
			t.toCoordinator(m.coordinator, m, kind, n, from, sender, shown, in)
		}
	}
	t.noteMicro(m)
}

// toCoordinator hands the coordinator what a task says.
func (t *Task) toCoordinator(c *microbatch.Coordinator, m *micro, kind microbatch.Kind, n microbatch.Name, from task.ID, sender task.Mark, shown bool, in *wire.Micro) {
	switch kind {
	case microbatch.Has:
		for _, r := range in.Ranges {
			if name, ok := m.topology.sourceName(r.Source); ok {
				c.Have(in.ID, microbatch.Range{Source: name, Task: from, From: r.From, To: r.To, Parked: r.Parked})
			}
		}
	case microbatch.Joins:
		c.Joined(n, from, sender.Token)
	case microbatch.Acks:
		c.Acked(n, from, sender.Token, in.Delta)
	case microbatch.Fails:
		if x := in.Failure; x != nil {
			var record *microbatch.Record
			if x.Block {
				c.BlockedAt(n, x.Text)
				return
			}
			if again, ok := c.State().Again(x.Again); ok && x.Record {
				record = &again
			} else if name, ok := m.topology.sourceName(x.Source); ok && x.Record {
				record = &microbatch.Record{Source: name, Task: x.Task, Offset: x.Offset}
			}
			c.FailedAt(n, record, x.Large, x.Text)
		}
	case microbatch.Stages:
		c.Staged(n, from, sender, shown)
	case microbatch.Stamps:
		if missing := c.Behind(in.ID); !missing.IsZero() {
			t.sayMicro(m, from, wire.Micro{Kind: uint8(microbatch.Apply), ID: missing.ID, Token: missing.Token})
			return
		}
		c.Stamped(n, from, sender, shown)
	}
}

// onOrder does what the coordinator asks.
func (t *Task) onOrder(m *micro, kind microbatch.Kind, n microbatch.Name, sender task.Mark, shown bool, in *wire.Micro) {
	switch kind {
	case microbatch.Join:
		t.joinRun(m, n)
	case microbatch.Run:
		switch {
		case !m.member.Takes(n) || m.run == nil:
		case in.Round > 0:
			t.startRound(m, n, int(in.Round))
		case !m.run.told:
			t.tellRetried(m, in)
			m.run.begin(in)
			t.startRun(m)
		}
	case microbatch.Stage:
		if rounds := len(m.topology.plan.Rounds); m.run != nil && m.member.Takes(n) && m.run.round != rounds {
			t.cannot(m, n, fmt.Sprintf("this version of the module has %d rounds of batch blocks, and %d were run", rounds, m.run.round))
			return
		}
		switch m.member.Seal(n) {
		case microbatch.Tell:
			t.tellMicro(m, microbatch.Stages, n)
		case microbatch.Leave:
			t.cannot(m, n, "the task is not in the attempt")
		case microbatch.Store:
			t.sealRun(m)
		}
	case microbatch.Apply:
		t.onApply(m, n, sender, shown)
	}
}

func (t *Task) joinRun(m *micro, n microbatch.Name) {
	switch m.member.Join(n) {
	case microbatch.Tell:
		t.tellMicro(m, microbatch.Stamps, m.member.Stamp())
	case microbatch.Again:
		t.tellMicro(m, microbatch.Joins, n)
	case microbatch.Leave:
		t.cannot(m, n, "the task has left the attempt")
	case microbatch.Look:
		m.leave()
		m.look = wanted
	}
}

// onApply applies an attempt that is decided, once the decision is seen (R38).
func (t *Task) onApply(m *micro, n microbatch.Name, sender task.Mark, shown bool) {
	switch m.member.Apply(n) {
	case microbatch.Tell:
		t.tellMicro(m, microbatch.Stamps, m.member.Stamp())
	case microbatch.Missing:
		if !shown {
			m.decision, m.told, m.prove = n, sender, wanted
			return
		}
		t.haltIfOwner(&DisagreeError{m.topology.plan.Name, "the stage of a microbatch that is decided is not there"})
	case microbatch.Prove:
		if shown {
			t.decided(m, n)
			return
		}
		m.decision, m.told, m.prove = n, sender, wanted
	}
}

func (t *Task) decided(m *micro, n microbatch.Name) {
	m.prove, m.seen = notLooking, n
	t.applySeen(m)
}

// applySeen applies an attempt whose decision was seen, when the records that it goes past have
// come: a new owner learns from them which appends of other tasks it has met (R30).
func (t *Task) applySeen(m *micro) {
	if m.seen.IsZero() || m.stage == nil || !t.fetchedTo(m, m.stage.seal.Ends) {
		return
	}
	if m.member.Decided(m.seen) {
		m.leave()
		m.applying = true
	}
	m.seen = microbatch.Name{}
}

func (t *Task) fetchedTo(m *micro, ends []wire.SealEnd) bool {
	here := true
	for _, end := range ends {
		s := t.sourceNamed(m.topology.plan.Name, end.Source)
		if s == nil || s.seen >= end.To {
			continue
		}
		s.wantTo = max(s.wantTo, end.To)
		t.steer(s.strand)
		here = false
	}
	return here
}

// cannot tells the coordinator that the task cannot go on with an attempt.
func (t *Task) cannot(m *micro, n microbatch.Name, why string) {
	t.sayMicro(m, coordinating, wire.Micro{Kind: uint8(microbatch.Fails), ID: n.ID, Token: n.Token, Failure: &wire.MicroFailure{Text: why}})
}

// microsLost tells that frames from and to a task may be lost.
func (t *Task) microsLost(id task.ID, why string) {
	for _, m := range t.micros.all {
		if m.coordinator != nil {
			m.coordinator.Lost(why)
		}
		if m.run != nil && m.member.Step() == microbatch.In && id != coordinating {
			t.cannot(m, m.member.Name(), why)
		}
	}
}

// microsMet tells that a task has another owner than was known.
func (t *Task) microsMet(id task.ID, owner task.Token) {
	for _, m := range t.micros.all {
		if m.coordinator != nil {
			m.coordinator.Met(id, owner)
		}
		if id == coordinating {
			m.has, m.hasAt = nil, 0
		}
	}
}

// microsWant reports whether a head is to be looked at.
func (t *Task) microsWant() bool {
	for _, m := range t.micros.all {
		if m.look == wanted || m.prove == wanted || m.coordinator != nil && len(m.coordinator.Wants()) > 0 {
			return true
		}
	}
	return false
}

// askMicros adds the tasks whose heads the microbatches want to a question.
func (t *Task) askMicros(asked []bool) {
	for _, m := range t.micros.all {
		if m.look == wanted {
			asked[t.config.Task], m.look = true, looked
		}
		if m.prove == wanted {
			asked[coordinating], m.prove = true, looked
		}
		m.asked = nil
		if m.coordinator != nil {
			m.asked = m.coordinator.Wants()
		}
		for _, id := range m.asked {
			asked[id] = true
		}
	}
}

// judgeMicros goes on with what waited for an answer.
func (t *Task) judgeMicros() {
	for _, m := range t.micros.all {
		if m.look == looked {
			m.look = notLooking
			if m.member.Looked() {
				m.run = t.newRun(m)
				t.tellMicro(m, microbatch.Joins, m.member.Name())
			}
		}
		if m.prove == looked {
			m.prove = notLooking
			if t.peers[coordinating].shown.Covers(m.told) {
				t.onApply(m, m.decision, m.told, true)
			}
		}
		for _, id := range m.asked {
			m.coordinator.Shown(id, t.peers[id].shown)
		}
		m.asked = nil
		t.noteMicro(m)
	}
}

// microLost takes an ack of events of a microbatch that are lost: they found no room.
func (t *Task) microLost(a *wire.Ack) {
	for _, m := range t.micros.all {
		if a.More != nil && m.coordinator != nil && m.coordinator.State().Tree() == a.Tree.ID {
			m.coordinator.Lost(a.More.Text)
		}
	}
}
