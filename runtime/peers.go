package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// peer is what is known of another task's owner.
type peer struct {
	token  task.Token
	number uint64    // of the last frame of that period
	shown  task.Head // as this task's connection has read it last (R13)
	since  uint64    // number of its head when that was first read in this period
	// metBefore is when its present owner had been heard of, if it came after this
	// task's own.
	metBefore int64
	rests     task.Mark // the newest head of it that parcels were taken in from
	// lineage is the last that it came from and that is not this task's own: with one
	// master, one of the two connections ends at a server that is it no more (R18).
	lineage task.Lineage

	// held are frames that wait for a look at the task's head, asked of them those
	// that came before the question under way.
	held  []heldFrame
	asked int
}

// heldFrame is a frame that waits, and when it came.
type heldFrame struct {
	frame *wire.Frame
	at    int64
}

// onFrame takes in a frame of another task. A frame of another ownership period than
// those before waits until the head says whether that period stands (R16): a former
// owner that has not noticed yet goes on, and what it sends would take effect after
// its successor has finished the very same records.
func (t *Task) onFrame(f *wire.Frame, at int64) {
	if t.phase != running {
		return // its trees fail: this task's next frame carries a new token
	}
	p := &t.peers[f.From]
	if p.token != f.Sender.Token || len(p.held) > 0 || t.unshown(p, f) {
		p.held = append(p.held, heldFrame{f, at})
		t.holding++
		t.askHeads()
		return
	}
	t.accept(p, f, at)
}

// unshown reports whether what a frame brings of exactly-once topologies rests on a
// commit that this task's connection has not shown: it is applied by commits that
// nothing takes back (R25).
func (t *Task) unshown(p *peer, f *wire.Frame) bool {
	return f.Lasting() && !f.Lineage.Same(t.lineage) && !p.shown.Covers(f.Sender)
}

// accept takes in a frame of the present period.
func (t *Task) accept(p *peer, f *wire.Frame, at int64) {
	if f.Number <= p.number {
		return // delivered before
	}
	p.number = f.Number
	if !f.Lineage.Same(t.lineage) && f.Lineage != p.lineage {
		p.lineage = f.Lineage
		t.lookHome()
	}
	if f.Empty() {
		// A greeting: what was sent to the task before its period began is lost, with
		// or without a former owner. Where this task began later than that one, all
		// that it sent found that one running, and there is nothing to fail.
		t.failTouching(f.From, newOwner(f), at)
	}
	for i := range f.Acks {
		t.onAck(f, &f.Acks[i])
	}
	if t.exact && f.Lasting() {
		t.onLasting(f)
	}
	t.onMicros(f)
	if t.phase != running {
		return
	}
	if len(f.Events) > 0 {
		t.enqueue(f)
	} else {
		t.pool.Put(f)
	}
}

// onLasting takes in what a frame brings of exactly-once topologies.
func (t *Task) onLasting(f *wire.Frame) {
	if f.Receipt != nil {
		t.onReceipt(f)
	}
	for i, raw := range f.Parcels {
		if t.phase != running {
			return
		}
		var opened *wire.Parcel
		if i < len(f.Opened) && t.directory.numbersAs(f.Words) {
			opened = f.Opened[i]
		}
		t.arrive(f.From, raw, opened, f.Sender)
	}
	for i := range f.Notices {
		if t.phase != running {
			return
		}
		t.onNotice(&f.Notices[i])
	}
	t.postMail()
}

// askHeld adds the tasks whose frames wait to a question.
func (t *Task) askHeld(asked []bool) {
	for i := range t.peers {
		if p := &t.peers[i]; len(p.held) > 0 {
			p.asked = len(p.held)
			asked[i] = true
		}
	}
}

// letIn takes in the frames that waited for the answer, of the period that the head
// names; the others' sender does not own its task any more.
func (t *Task) letIn(id task.ID) {
	p := &t.peers[id]
	asked := p.held[:p.asked]
	rest := p.held[p.asked:]
	t.holding -= len(p.held)
	p.held, p.asked = nil, 0
	for _, h := range asked {
		if t.phase != running {
			return // what one brought has ended the period
		}
		f := h.frame
		if f.Sender.Token != p.shown.Token {
			t.pool.Put(f)
			continue
		}
		if p.token != f.Sender.Token {
			if t.lostBy(p, f) {
				t.drop(fmt.Errorf("task %v has lost commits that this task was about to rest on", id))
				return
			}
			if !p.token.IsZero() {
				t.failTouching(f.From, newOwner(f), h.at)
			}
			p.token, p.number, p.since = f.Sender.Token, 0, p.shown.Number
			t.forgetChannel(id)
			t.microsMet(id, p.token)
		}
		if t.unshown(p, f) {
			t.askLost(id)
			t.pool.Put(f)
			continue
		}
		t.accept(p, f, h.at)
	}
	for _, h := range rest {
		t.onFrame(h.frame, h.at)
	}
}

// lostBy reports whether the new owner of a task may lack what its predecessor sent and
// this task has taken in and not committed: its slot went back, and what takes the place
// of that counts (R26). What is committed already, two slots disagree about (R27).
func (t *Task) lostBy(p *peer, f *wire.Frame) bool {
	if !t.exact || p.rests.Token.IsZero() || f.Lineage.Same(t.lineage) || f.Replaced.Token == p.rests.Token && f.Replaced.Number >= p.rests.Number {
		return false
	}
	in := &t.hops.in[f.From]
	at := in.Position()
	return at.Number != in.told.Number || at.Index != in.told.Index || at.AckNumber != in.told.AckNumber
}

// askLost has a task send again what it has sent and what its head does not show.
func (t *Task) askLost(id task.ID) {
	if t.exact && t.phase == running {
		t.askMissing(id, &t.hops.in[id].lostAt)
		t.postMail()
	}
}
