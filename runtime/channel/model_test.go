package channel_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/channel"
)

// world is a sender and a receiver with a slot each, and a network between them that
// loses, repeats and re-orders parcels. Owners die at any time, and their successors go
// on from their slots. Events and acks are numbers, one behind another.
type world struct {
	t tester

	// The sender: its slot, and its memory with an open batch.
	outStored    string
	outKept      map[uint64]string
	out          channel.Out
	owner        byte // of the sender's slot
	commits      uint64
	packed       []channel.Parcel // by the open batch
	gone         []uint64         // out of the outbox by it
	outNext      string           // the position that it stores, "" if it stores none
	events, acks uint64           // that the open batch and those before it have sent
	kept         mark             // committed ones

	// The receiver: its slot, and its memory with an open batch.
	inStored string
	in       channel.In
	applied  mark
	durable  mark
	ready    []event // drawn
	given    uint64  // what the last receipt of this owner said

	parcels  []string       // under way
	receipts []wire.Receipt // in order
}

// mark counts events and acks.
type mark struct{ events, acks uint64 }

type event struct {
	parcel *wire.Parcel
	index  int
}

func newWorld(t tester) *world {
	w := &world{t: t, outKept: map[uint64]string{}, outStored: "1 number=0", inStored: "1 number=0"}
	w.senderDies()
	w.receiverDies()
	return w
}

// pack sends a parcel with so many events and acks, as part of the open batch.
func (w *world) pack(events, acks int) {
	head := w.out.Next(id(w.owner, w.commits+1, uint32(len(w.packed))))
	raw := parcel(w.t, head, w.events+1, events, w.acks+1, acks)
	w.packed = append(w.packed, w.out.Put(head, raw))
	w.events += uint64(events)
	w.acks += uint64(acks)
}

func (w *world) trim() {
	if w.out.Trimmable() == 0 {
		return
	}
	stored := w.out.Trim(func(number uint64) {
		w.gone = append(w.gone, number)
		if p := w.storedIn(); number > p.Number {
			w.t.Fatalf("parcel %d is trimmed, and %d are applied", number, p.Number)
		}
	})
	w.outNext = string(stored.AppendText(nil))
}

// senderCommits stores what the open batch sends and trims, and lets it go.
func (w *world) senderCommits() {
	w.commits++
	for _, p := range w.packed {
		w.outKept[p.Number] = p.Raw
	}
	for _, number := range w.gone {
		delete(w.outKept, number)
	}
	w.outStored = cmp.Or(w.outNext, w.outStored)
	w.kept = mark{w.events, w.acks}
	for _, p := range w.packed {
		w.out.Commit(p.Number)
		w.parcels = append(w.parcels, p.Raw)
	}
	w.packed, w.gone, w.outNext = nil, nil, ""

	// What a new owner would find is what this one has.
	back := w.loadOut()
	next := id(9, 9, 9)
	if got, wanted := back.Next(next), w.out.Next(next); got != wanted || back.Bytes() != w.out.Bytes() {
		w.t.Fatalf("the slot's next parcel is %+v with %d bytes kept, the memory's %+v with %d", got, back.Bytes(), wanted, w.out.Bytes())
	}
	if inSlot, inMemory := numbers(back.Behind(0)), numbers(w.out.Behind(0)); !slices.Equal(inSlot, inMemory) {
		w.t.Fatalf("the slot has the parcels %v, the memory %v", inSlot, inMemory)
	}
}

func (w *world) loadOut() (o channel.Out) {
	stored, err := wire.ParseOutPosition(w.outStored)
	if err != nil {
		w.t.Fatal(err)
	}
	var kept []channel.Parcel
	for number, raw := range w.outKept {
		kept = append(kept, channel.Parcel{Number: number, Raw: raw})
	}
	if err := o.Load(stored, kept); err != nil {
		w.t.Fatal(err)
	}
	return o
}

// senderDies loses the open batch; the successor sends all that is not confirmed.
func (w *world) senderDies() {
	w.owner++
	w.commits = 0
	w.packed, w.gone, w.outNext = nil, nil, ""
	w.events, w.acks = w.kept.events, w.kept.acks
	w.out = w.loadOut()
	w.resend(w.out.Unconfirmed())
}

func (w *world) resend(parcels []channel.Parcel) {
	for _, p := range parcels {
		w.parcels = append(w.parcels, p.Raw)
	}
}

// receipt arrives at the sender.
func (w *world) receipt(r wire.Receipt) {
	if !w.out.Has(r.Number, r.ID) {
		w.t.Fatalf("the outbox does not have parcel %d (%v), which was applied", r.Number, r.ID)
	}
	w.out.Confirm(r.Number)
	if r.Again {
		w.resend(w.out.Behind(r.Number))
	}
}

// arrive hands the receiver a parcel.
func (w *world) arrive(raw string) {
	head, err := wire.ParseParcelHead(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	switch w.in.Judge(&head) {
	case channel.Next:
		w.takeIn(parsed(w.t, raw))
	case channel.Missing:
		w.askAgain()
	case channel.Stray:
		w.t.Fatalf("parcel %d (%v) is a stray at %+v", head.Number, head.ID, *w.in.Position())
	}
}

func (w *world) takeIn(p *wire.Parcel) {
	acks, err := w.in.Put(p)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range p.Acks {
		switch {
		case !acks && a.Group > w.applied.acks:
			w.t.Fatalf("ack %d is not to be applied, and is not", a.Group)
		case acks && a.Group != w.applied.acks+1:
			w.t.Fatalf("ack %d is applied behind %d", a.Group, w.applied.acks)
		case acks:
			w.applied.acks++
		}
	}
}

func (w *world) askAgain() {
	p := w.storedIn()
	w.receipts = append(w.receipts, wire.Receipt{Number: p.Number, ID: p.ID, Again: true})
}

// draw draws some of the events that are there.
func (w *world) draw(most int) {
	for range most {
		p, index, ok := w.in.Draw()
		if !ok {
			return
		}
		w.ready = append(w.ready, event{p, index})
	}
}

// apply runs the next drawn event.
func (w *world) apply() {
	e := w.ready[0]
	w.ready = w.ready[1:]
	if seed := e.parcel.Frame.Events[e.index].Seed; seed != w.applied.events+1 {
		w.t.Fatalf("event %d is applied behind %d", seed, w.applied.events)
	}
	w.applied.events++
	w.in.Applied()
	if w.in.Position().Attempt != 0 {
		w.t.Fatal("the next event has the attempt of the one before")
	}
}

// fail has the next drawn event fail.
func (w *world) fail() {
	w.in.Position().Attempt++
	w.in.Undraw()
	w.ready = nil
}

func (w *world) forget() {
	w.in.Forget()
	w.ready = nil
}

// receiverCommits stores how far the channel is applied.
func (w *world) receiverCommits() {
	w.inStored = string(w.in.Position().AppendText(nil))
	w.durable = w.applied
	if p := w.storedIn(); p != *w.in.Position() {
		w.t.Fatalf("stored as %s, the memory has %+v", w.inStored, *w.in.Position())
	} else if p.Number > w.given {
		w.given = p.Number
		w.receipts = append(w.receipts, wire.Receipt{Number: p.Number, ID: p.ID})
	}
}

// receiverDies loses the open batch; the successor asks for what is not applied.
func (w *world) receiverDies() {
	w.applied, w.ready = w.durable, nil
	p := w.storedIn()
	w.in = channel.In{}
	w.in.Load(p)
	w.given = p.Number
	w.askAgain()
}

func (w *world) storedIn() wire.InPosition {
	p, err := wire.ParseInPosition(w.inStored)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// settle lets all that was sent arrive, and be applied, confirmed and trimmed.
func (w *world) settle() {
	w.senderCommits()
	w.parcels, w.receipts = nil, nil
	w.resend(w.out.Unconfirmed())
	for _, raw := range w.parcels {
		w.arrive(raw)
	}
	w.parcels = nil
	w.draw(1 << 20)
	for len(w.ready) > 0 {
		w.apply()
	}
	w.receiverCommits()
	p := w.storedIn()
	w.receipt(wire.Receipt{Number: p.Number, ID: p.ID})
	w.trim()
	w.senderCommits()
	if w.durable != w.kept {
		w.t.Fatalf("applied %+v, sent %+v", w.durable, w.kept)
	}
	if n := len(w.outKept); n > 0 || w.out.Bytes() != 0 || w.in.Bytes() != 0 || w.in.Waiting() != 0 {
		w.t.Fatalf("in the end the outbox holds %d parcels, its memory %d bytes, the inbox %d parcels of %d bytes", n, w.out.Bytes(), w.in.Waiting(), w.in.Bytes())
	}
}

// R23 to R28: whatever is lost, repeated or re-ordered, whoever dies and whatever fails,
// every event and every ack is applied exactly once and in order, nothing is trimmed
// before it is applied, and slots and memory agree.
func TestChannelAgainstItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		actions := map[string]func(*rapid.T){
			"pack": func(t *rapid.T) {
				w.pack(rapid.IntRange(0, 4).Draw(t, "events"), rapid.IntRange(0, 2).Draw(t, "acks"))
			},
			"trim":           func(*rapid.T) { w.trim() },
			"sender commits": func(*rapid.T) { w.senderCommits() },
			"sender dies":    func(*rapid.T) { w.senderDies() },
			"resend":         func(*rapid.T) { w.resend(w.out.Unconfirmed()) },
			"arrive": func(t *rapid.T) {
				if len(w.parcels) == 0 {
					t.Skip("nothing is under way")
				}
				// One of the first: far from each other they would hardly ever be next.
				i := rapid.IntRange(0, min(3, len(w.parcels)-1)).Draw(t, "which")
				raw := w.parcels[i]
				if rapid.IntRange(0, 4).Draw(t, "once more") > 0 {
					w.parcels = slices.Delete(w.parcels, i, i+1)
				}
				w.arrive(raw)
			},
			"lose": func(t *rapid.T) {
				if len(w.parcels) == 0 {
					t.Skip("nothing is under way")
				}
				i := rapid.IntRange(0, len(w.parcels)-1).Draw(t, "which")
				w.parcels = slices.Delete(w.parcels, i, i+1)
			},
			"receipt": func(t *rapid.T) {
				if len(w.receipts) == 0 {
					t.Skip("nothing is under way")
				}
				r := w.receipts[0]
				w.receipts = w.receipts[1:]
				if rapid.IntRange(0, 3).Draw(t, "lost") > 0 {
					w.receipt(r)
				}
			},
			"draw": func(t *rapid.T) { w.draw(rapid.IntRange(1, 6).Draw(t, "most")) },
			"apply": func(t *rapid.T) {
				for range rapid.IntRange(1, 3).Draw(t, "events") {
					if len(w.ready) > 0 {
						w.apply()
					}
				}
			},
			"fail": func(t *rapid.T) {
				if len(w.ready) == 0 {
					t.Skip("nothing runs")
				}
				w.fail()
			},
			"forget":           func(*rapid.T) { w.forget() },
			"receiver commits": func(*rapid.T) { w.receiverCommits() },
			"receiver dies":    func(*rapid.T) { w.receiverDies() },
		}
		for range 5 {
			rt.Repeat(actions)
		}
		w.settle()
	})
}
