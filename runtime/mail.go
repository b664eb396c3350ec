package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/channel"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/task"
)

// posted is a parcel that leaves after its commit.
type posted struct {
	to     task.ID
	parcel channel.Parcel
	opened *wire.Parcel // nil: it has to be parsed
}

// postHops sends off what a commit has stored.
func (t *Task) postHops(b *batch) {
	if t.phase != running {
		return // the slot is about to be read: what it holds is sent then
	}
	for i := range b.parcels {
		p := &b.parcels[i]
		t.hops.out[p.to].Commit(p.parcel.Number)
		if p.to == t.config.Task {
			t.arrive(p.to, p.parcel.Raw, p.opened, t.head.Mark)
			continue
		}
		t.post(p.to, p.parcel.Raw, p.opened)
		t.expectReceipt(p.to)
	}
	for i := range b.receipts {
		r := &b.receipts[i]
		t.hops.in[r.from].told = r.position
		if r.news && r.from != t.config.Task {
			t.mailTo(r.from).Receipt = receiptOf(&r.position, false)
		}
	}
	t.postMail()
}

// mailTo is the frame that goes to a task next.
func (t *Task) mailTo(to task.ID) *wire.Frame {
	m := t.hops.mail[to]
	if m == nil {
		m = &wire.Frame{To: to}
		t.hops.mail[to], t.hops.size[to] = m, 0
		t.hops.sent = append(t.hops.sent, to)
	}
	return m
}

func (t *Task) postMail() {
	for _, to := range t.hops.sent {
		t.ship(t.hops.mail[to])
		t.hops.mail[to] = nil
	}
	t.hops.sent = t.hops.sent[:0]
}

// post adds a parcel to the next frame to a task; one that is full leaves.
func (t *Task) post(to task.ID, raw string, opened *wire.Parcel) {
	m := t.mailTo(to)
	if len(m.Parcels) > 0 && t.hops.size[to]+len(raw) > wire.ParcelBytesMax {
		t.ship(m)
		m = &wire.Frame{To: to}
		t.hops.mail[to], t.hops.size[to] = m, 0
	}
	m.Parcels, m.Opened, m.Words = append(m.Parcels, raw), append(m.Opened, opened), t.directory
	t.hops.size[to] += len(raw)
}

// expectReceipt has unconfirmed parcels sent again after a while.
func (t *Task) expectReceipt(to task.ID) {
	if out := &t.hops.out[to]; out.resendAt == 0 {
		out.tries = 0
		out.resendAt = t.now + t.resendPause(0)
	}
}

func (t *Task) resendPause(tries uint16) int64 {
	return stream.Backoff(tries+2, 2*resendPause, resendPauseMax, t.config.Random.Float64())
}

// resumeHops goes on with what the slot held: the others hear how far this task has
// got with what they sent, and are sent what they have not confirmed.
func (t *Task) resumeHops() {
	if !t.exact {
		return
	}
	for id := range t.hops.out {
		if peer := task.ID(id); peer != t.config.Task {
			t.askAgain(peer)
			t.resend(peer, len(t.hops.out[id].Unconfirmed()))
		}
	}
	for _, p := range t.hops.out[t.config.Task].Unconfirmed() {
		t.arrive(t.config.Task, p.Raw, nil, t.head.Mark)
	}
	t.postMail()
}

// resend sends the oldest unconfirmed parcels to a task once more.
func (t *Task) resend(to task.ID, most int) {
	t.resendBehind(to, t.hops.out[to].Unconfirmed(), most)
}

func (t *Task) resendBehind(to task.ID, parcels []channel.Parcel, most int) {
	if len(parcels) == 0 {
		return
	}
	for _, p := range parcels[:min(most, len(parcels))] {
		t.post(to, p.Raw, nil)
	}
	t.expectReceipt(to)
}

// resendDue sends again what has not been confirmed for long: a frame may have been
// lost with a connection, or come where nobody owned the task.
func (t *Task) resendDue() {
	for id := range t.hops.out {
		out := &t.hops.out[id]
		if out.resendAt == 0 || t.now < out.resendAt {
			continue
		}
		out.resendAt = 0
		if unconfirmed := out.Unconfirmed(); len(unconfirmed) > 0 {
			tries := out.tries
			t.resend(task.ID(id), resendMost)
			out.tries = min(tries+1, 30)
			out.resendAt = t.now + t.resendPause(out.tries)
		}
	}
	t.postMail()
}

// hurryHops has the parcels sent again before long that a task may have lost.
func (t *Task) hurryHops(to task.ID) {
	if t.phase == running && t.exact && to != t.config.Task && len(t.hops.out[to].Unconfirmed()) > 0 {
		t.hops.out[to].tries = 0
		t.hops.out[to].resendAt = t.now + t.resendPause(0)
	}
}

// askAgain has a task send what is behind the last parcel of it that is applied.
func (t *Task) askAgain(from task.ID) {
	t.mailTo(from).Receipt = receiptOf(&t.hops.in[from].told, true)
}

// askMissing asks again, unless that was done a moment ago: what does not fit now may
// not fit until one of the two has noticed something.
func (t *Task) askMissing(from task.ID, last *int64) {
	if from != t.config.Task && (*last == 0 || t.now >= *last+askPause) {
		*last = t.now
		t.askAgain(from)
	}
}

// onReceipt hears how far a task has got with this one's parcels. What it says is
// shown (R25). A task whose acks are ahead of its events says so: if this slot lost
// those parcels, the ones that take their numbers would find their acks applied.
func (t *Task) onReceipt(f *wire.Frame) {
	out, r := &t.hops.out[f.From], f.Receipt
	if !out.Has(r.Number, r.ID) {
		t.suspect(f, fmt.Sprintf("it has applied parcel %d (%v), which this outbox does not hold", r.Number, r.ID))
		return
	}
	if r.AckNumber > 0 && !out.Has(r.AckNumber, r.AckID) {
		t.suspect(f, fmt.Sprintf("it has applied the acks of parcel %d (%v), which this outbox does not hold", r.AckNumber, r.AckID))
		return
	}
	if out.Confirm(r.Number) {
		out.resendAt = 0
		t.touched()
		if len(out.Unconfirmed()) > 0 {
			t.expectReceipt(f.From)
		}
	}
	if r.Again {
		t.resendBehind(f.From, out.Behind(r.Number), len(out.Behind(r.Number)))
		if m := t.mailTo(f.From); m.Receipt == nil {
			m.Receipt = receiptOf(&t.hops.in[f.From].told, false)
		}
		t.postMail()
	}
}

// receipt is how far a channel is applied when a batch is committed.
type receipt struct {
	from     task.ID
	position wire.InPosition
	news     bool // its sender is to hear of it: it may trim
}

// receiptOf is what the sender of a channel hears of a position that is committed.
func receiptOf(p *wire.InPosition, again bool) *wire.Receipt {
	r := &wire.Receipt{Number: p.Number, ID: p.ID, Again: again}
	if p.AckNumber > p.Number {
		r.AckNumber, r.AckID = p.AckNumber, p.AckID
	}
	return r
}
