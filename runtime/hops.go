package runtime

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/channel"
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
// hops.go loads and stores, mail.go sends and hears what is confirmed, arrive.go takes in
// and runs, suspect.go finds out where two slots disagree, groups.go knows which records
// are done.

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
	latest  *group       // of groups: that was looked up last, or has ended since
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
	h.groups, h.latest, h.changed = map[uint64]*group{}, nil, nil
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
		out.TakeLasting(func(f *wire.Frame) bool { return t.packParcels(b, f, &ordinal) })
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

// packParcels puts the events of a frame, and the acks to its task, into parcels. A frame
// that becomes one parcel goes along with it, for a receiver in the same process.
func (t *Task) packParcels(b *batch, f *wire.Frame, ordinal *uint32) (keeps bool) {
	out, pile := &t.hops.out[f.To], &t.hops.acks[f.To]
	acks := pile.acks
	defer pile.reset()
	for event, ack := 0, 0; event < len(f.Events) || ack < len(acks); *ordinal++ {
		head := out.Next(wire.ParcelID{Mark: task.Mark{Token: t.head.Token, Number: t.head.Number + 1}, Ordinal: *ordinal})
		raw, nextEvent, nextAck, err := t.hops.pack.Pack(t.hops.raw[:0], head, f, event, acks, ack)
		if err != nil {
			t.halt(err) // payloads are encoded when they are sent
			return keeps
		}
		p := out.Put(head, string(raw))
		b.note(wire.OutboxTable(t.config.Tag), store.Write{Field: parcelField(f.To, p.Number), Value: p.Raw})
		leaves := posted{to: f.To, parcel: p}
		if event == 0 && nextEvent == len(f.Events) {
			leaves.opened = t.parcelWith(f, head, acks[ack:nextAck])
			keeps = true // also where further parcels take what is left of the acks
		}
		t.hops.raw, event, ack = raw, nextEvent, nextAck
		b.parcels = append(b.parcels, leaves)
	}
	return keeps
}

// parcelWith is a parcel with all events of a frame, as parsing its stored form gives it.
func (t *Task) parcelWith(f *wire.Frame, head wire.ParcelHead, acks []wire.GroupAck) *wire.Parcel {
	f.From = t.config.Task
	p := &wire.Parcel{ParcelHead: head, Frame: f, Unparsed: true}
	for _, a := range acks { // whose memory is used again
		a.Notes = slices.Clone(a.Notes)
		p.Acks = append(p.Acks, a)
	}
	return p
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
