package runtime

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/channel"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Exactly-once topologies hop by parcels (R23 to R29). What the events of a batch
// send to a task is stored, in the batch's own commit, as a parcel in the outbox;
// with it, which records and which parcels of others the batch has consumed. So an
// event that is committed never runs again: what it sent is sent until it has
// arrived, and applied once, since the receiver stores how far it has got with its
// effects.
//
// hops.go sends, arrive.go takes in, groups.go knows which records are done.

// hops is what a task keeps of its channels.
type hops struct {
	out  []outbox // by task
	in   []inbox
	turn int // the inbox that was drawn from last
	pack *wire.Packer
	raw  []byte        // a parcel that is being packed
	acks []ackPile     // by root's task: what the open batch has to say
	note [1]wire.Note  // of the event that ends
	mail []*wire.Frame // by task, of the release under way
	sent []task.ID     // whose mail there is
	size []int         // of the parcels in the mail, by task

	groups  map[uint64]*group
	notes   []wire.Note  // of a group that is being stored
	record  depot.Record // of a group that has ended
	changed []*group     // by the open batch

	dueAt int64 // when what changed outside of batches is to be stored; 0: nothing did
}

// outbox is the channel to a task.
type outbox struct {
	channel.Out
	resendAt int64 // when the unconfirmed parcels are sent again; 0: there are none
	tries    uint16
}

// Pauses of the channels.
const (
	resendPause    = 500e6 // before unconfirmed parcels are sent again: 0.5 s,
	resendPauseMax = 10e9  // and up to 10 s
	resendMost     = 8     // parcels, without being asked
	askPause       = 100e6 // between two questions for parcels that are missing: 0.1 s
	settlePause    = 20e6  // acks and confirmations wait for a commit that leaves anyway: 20 ms
)

// ChannelError: two slots disagree about what one sent to the other. One of them has
// lost commits that the other one has seen (R27).
type ChannelError struct {
	Peer task.ID
	What string
}

func (e *ChannelError) Error() string {
	return fmt.Sprintf("the slots of this task and of task %v disagree (%s): one has lost commits that the other one has seen. Restore both to one moment, or have the module built anew from its depots; store.durability = replicated N prevents it", e.Peer, e.What)
}

// UnfinishedError: events of exactly-once streams are under way, and no stream of this
// version of the module is exactly once.
type UnfinishedError struct{ Parcels, Groups, Calls int } // in the task's slot

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("%d parcels, %d groups of records and %d calls are under way, and no stream of this version of the module is exactly once: run the version that has one until they are done", e.Parcels, e.Groups, e.Calls)
}

// exact reports whether the module has an exactly-once topology.
func exact(p *module.Plan) bool {
	for _, s := range p.Streams {
		if s.ExactlyOnce && len(s.Steps) > 0 {
			return true
		}
	}
	return false
}

func (h *hops) forget(tasks int) {
	h.out, h.in = make([]outbox, tasks), make([]inbox, tasks)
	for id := range h.in {
		h.in[id].from = task.ID(id)
	}
	h.acks, h.mail, h.size, h.sent = make([]ackPile, tasks), make([]*wire.Frame, tasks), make([]int, tasks), nil
	h.groups, h.changed = map[uint64]*group{}, nil
	h.dueAt = 0
}

// touched has what changed stored before long, with whatever commit comes first.
func (t *Task) touched() {
	if t.hops.dueAt == 0 {
		t.hops.dueAt = t.now + settlePause
	}
}

// loadHops takes over the channels and groups that the slot holds.
func (t *Task) loadHops(channels, parcels, groups, calls []store.Element) error {
	if !t.exact {
		if len(parcels)+len(groups)+len(calls) > 0 {
			return &UnfinishedError{len(parcels), len(groups), len(calls)}
		}
		return nil
	}
	if err := t.loadCalls(calls); err != nil {
		return err
	}
	kept, err := t.loadParcels(parcels)
	if err != nil {
		return err
	}
	out := make([]wire.OutPosition, t.config.Tasks)
	for _, e := range channels {
		way, id, err := t.channelOf(e.Field)
		if err == nil {
			if way == "in" {
				err = t.loadInbox(id, e.Value)
			} else {
				out[id], err = wire.ParseOutPosition(e.Value)
			}
		}
		if err != nil {
			return fmt.Errorf("stored channel %s = %q: %w", e.Field, e.Value, err)
		}
	}
	for id := range out {
		if err := t.hops.out[id].Load(out[id], kept[id]); err != nil {
			return fmt.Errorf("outbox to task %d: %w", id, err)
		}
	}
	return t.loadGroups(groups)
}

// channelOf reads "in/<task>" or "out/<task>".
func (t *Task) channelOf(field string) (way string, id task.ID, err error) {
	way, text, _ := strings.Cut(field, "/")
	n, err := strconv.Atoi(text)
	if err == nil && (n < 0 || n >= t.config.Tasks || way != "in" && way != "out") {
		err = fmt.Errorf("the module has no such channel, but tasks 0 to %d", t.config.Tasks-1)
	}
	return way, task.ID(n), err
}

// loadParcels sorts the outbox by receiver, and sees to it that this version of the
// module knows all steps that events are under way to.
func (t *Task) loadParcels(elements []store.Element) ([][]channel.Parcel, error) {
	kept := make([][]channel.Parcel, t.config.Tasks)
	for _, e := range elements {
		to, number, err := t.parcelOf(e.Field)
		if err != nil {
			return nil, fmt.Errorf("stored parcel %s: %w", e.Field, err)
		}
		if _, err := wire.ParseParcel(e.Value, t.config.Task, to, t.directory); err != nil {
			return nil, fmt.Errorf("stored parcel %s: %w", e.Field, err)
		}
		kept[to] = append(kept[to], channel.Parcel{Number: number, Raw: e.Value})
	}
	return kept, nil
}

func (t *Task) parcelOf(field string) (to task.ID, number uint64, err error) {
	text, rest, _ := strings.Cut(field, "/")
	n, err := strconv.Atoi(text)
	if err == nil && (n < 0 || n >= t.config.Tasks) {
		err = fmt.Errorf("the module has the tasks 0 to %d", t.config.Tasks-1)
	}
	if err == nil {
		number, err = strconv.ParseUint(rest, 10, 64)
	}
	return task.ID(n), number, err
}

func parcelField(to task.ID, number uint64) string {
	return to.String() + "/" + strconv.FormatUint(number, 10)
}

// storeHops adds to the batch that is being sealed what it sends, how far it has got
// with what others sent, and which of its parcels are confirmed (R23).
func (t *Task) storeHops(b *batch) {
	if !t.exact {
		return
	}
	t.hops.dueAt = 0
	if out := t.host.Out; out != nil {
		ordinal := uint32(0)
		out.TakeLasting(func(f *wire.Frame) { t.packParcels(b, f, &ordinal) })
		for to := range t.hops.acks {
			if t.hops.acks[to].any() { // acks to a task that no event goes to
				t.packParcels(b, &wire.Frame{To: task.ID(to)}, &ordinal)
			}
		}
	}
	t.storeInboxes(b)
	for to := range t.hops.out {
		out := &t.hops.out[to]
		if out.Trimmable() == 0 {
			continue
		}
		stored := out.Trim(func(number uint64) {
			b.note(wire.OutboxTable(t.config.Tag), store.Write{Field: parcelField(task.ID(to), number), Delete: true})
		})
		b.note(wire.ChannelsTable(t.config.Tag), store.Write{Field: "out/" + strconv.Itoa(to), Value: string(stored.AppendText(nil))})
	}
	t.storeGroups(b)
}

// packParcels puts the events of a frame, and the acks to its task, into parcels.
func (t *Task) packParcels(b *batch, f *wire.Frame, ordinal *uint32) {
	out, pile := &t.hops.out[f.To], &t.hops.acks[f.To]
	acks := pile.acks
	defer pile.reset()
	for event, ack := 0, 0; event < len(f.Events) || ack < len(acks); *ordinal++ {
		head := out.Next(wire.ParcelID{Mark: task.Mark{Token: t.head.Token, Number: t.head.Number + 1}, Ordinal: *ordinal})
		raw, nextEvent, nextAck, err := t.hops.pack.Pack(t.hops.raw[:0], head, f, event, acks, ack)
		if err != nil {
			t.halt(err) // payloads are encoded when they are sent
			return
		}
		t.hops.raw, event, ack = raw, nextEvent, nextAck
		p := out.Put(head, string(raw))
		b.note(wire.OutboxTable(t.config.Tag), store.Write{Field: parcelField(f.To, p.Number), Value: p.Raw})
		b.parcels = append(b.parcels, posted{f.To, p})
	}
}

// posted is a parcel that leaves after its commit.
type posted struct {
	to     task.ID
	parcel channel.Parcel
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
			t.arrive(p.to, p.parcel.Raw, t.head.Mark)
			continue
		}
		t.post(p.to, p.parcel.Raw)
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
func (t *Task) post(to task.ID, raw string) {
	m := t.mailTo(to)
	if len(m.Parcels) > 0 && t.hops.size[to]+len(raw) > wire.ParcelBytesMax {
		t.ship(m)
		m = &wire.Frame{To: to}
		t.hops.mail[to], t.hops.size[to] = m, 0
	}
	m.Parcels = append(m.Parcels, raw)
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
		t.arrive(t.config.Task, p.Raw, t.head.Mark)
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
		t.post(to, p.Raw)
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

// nextHop is when the channels ask for something.
func (t *Task) nextHop(earlier func(int64)) {
	if !t.exact {
		return
	}
	earlier(t.hops.dueAt)
	for id := range t.hops.out {
		earlier(t.hops.out[id].resendAt)
		earlier(t.hops.in[id].heldUntil)
	}
	for _, topo := range t.topology {
		earlier(t.nextGroupDeadline(topo))
	}
}

// hopBytes is about how much memory the channels take, out and in.
func (t *Task) hopBytes() int64 {
	var n int64
	if t.exact {
		for id := range t.hops.out {
			n += t.hops.out[id].Bytes() + t.hops.in[id].Bytes()
		}
	}
	return n
}
