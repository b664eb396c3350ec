package runtime_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// parcels are those of some frames.
func parcels(frames []*wire.Frame) (all []string) {
	for _, f := range frames {
		all = append(all, f.Parcels...)
	}
	return all
}

// receipts are those of some frames.
func receipts(frames []*wire.Frame) (all []*wire.Receipt) {
	for _, f := range frames {
		if f.Receipt != nil {
			all = append(all, f.Receipt)
		}
	}
	return all
}

// R23, promise 3x.05: what an event sends is stored with what it writes and with its
// record's being consumed, and leaves after that commit.
func TestParcelsLeaveAfterTheirCommit(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{leaf(1, "x"), leaf(1, "y")}})
	if len(w.frames) > 0 || a.pending == nil {
		t.Fatalf("before the commit: %d frames, commit %v", len(w.frames), a.pending)
	}
	for _, table := range []string{"outbox", "groups", "p:seen", "p:$$__streaming-state-grow"} {
		if len(written(a.pending, table)) != 1 {
			t.Errorf("the commit writes %v to %s", written(a.pending, table), table)
		}
	}
	a.commit()
	frames := w.mail(0, 1)
	if len(frames) != 1 || len(frames[0].Parcels) != 1 || frames[0].Sender != a.head.Mark {
		t.Fatalf("after the commit: %+v, want one parcel that names the head %v", frames, a.head.Mark)
	}
	if raw := a.table("outbox")["1/1"]; raw != frames[0].Parcels[0] {
		t.Errorf("what travels is not what is stored: %x, %x", frames[0].Parcels[0], raw)
	}
	w.deliver(frames...)
	w.settle()
	w.rested()
	if a.seen("root") != "1" || b.seen("x") != "1" || b.seen("y") != "1" {
		t.Errorf("seen %v and %v, want each event once", a.table("p:seen"), b.table("p:seen"))
	}
}

// R11, R23: a commit whose reply was lost and that the slot holds sends its parcels,
// from the slot, when the slot is this task's again; one that it does not hold never
// sent anything, and its record runs again.
func TestParcelsOfALostReply(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{true, false} {
		for _, level := range []store.Level{store.Applied, store.Replicated(1)} {
			name := map[bool]string{true: "applied", false: "not applied"}[applied] + " at " + level.String()
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newTown(t, newBranches(), 2, runtime.Options{Durability: level})
				a, b := w.tasks[0], w.tasks[1]
				a.give(0, node{0, "root", []node{leaf(1, "x")}})
				a.lose(applied)
				if got := parcels(w.frames); len(got) > 0 {
					t.Fatal("parcels leave before the slot is this task's again")
				}
				if a.commit(); len(parcels(w.mail(0, 1))) != map[bool]int{true: 1, false: 0}[applied] {
					t.Errorf("with the first commit of the period the parcel left: %t", !applied)
				}
				if !applied {
					a.give(0, node{0, "root", []node{leaf(1, "x")}})
				}
				w.wait(30e9)
				w.settle()
				w.rested()
				if a.seen("root") != "1" || b.seen("x") != "1" {
					t.Errorf("seen %v and %v, want each event once", a.table("p:seen"), b.table("p:seen"))
				}
			})
		}
	}
}

// R25, R14: parcels are trimmed when the receiver's commit that confirms them is shown.
// One server's history shows it for nothing; another's waits for a look at the head.
func TestAReceiptTrimsWhenItIsShown(t *testing.T) {
	t.Parallel()
	for _, same := range []bool{true, false} {
		t.Run(map[bool]string{true: "same lineage", false: "another lineage"}[same], func(t *testing.T) {
			t.Parallel()
			m := newBranches()
			w := newTown(t, m, 2, runtime.Options{})
			a, b := w.tasks[0], w.tasks[1]
			if !same {
				b.lineage = task.Lineage{Run: "s", Replication: "s"}
				b.own(m)
				w.settle()
			}
			a.holdHeads = true
			a.give(0, node{0, "root", []node{leaf(1, "x")}})
			a.commit()
			w.carry(0, 1)
			b.commit()
			w.carry(1, 0)
			w.wait(25e6)
			trims := func() []string { return written(a.pending, "channels") }
			if same {
				if len(a.asked) > 0 || a.pending == nil || !slices.Contains(trims(), "out/1") {
					t.Fatalf("asked for the heads of %v, commit %+v; want a commit with the trim", a.asked, a.pending)
				}
			} else {
				if !slices.Equal(a.asked, []task.ID{1}) || a.pending != nil {
					t.Fatalf("asked for the heads of %v, commit %+v; want a look and no trim", a.asked, a.pending)
				}
				a.step(a.heads())
				w.wait(25e6)
				if a.pending == nil || !slices.Contains(trims(), "out/1") {
					t.Fatalf("when the head was shown: %+v", a.pending)
				}
			}
			if len(a.table("outbox")) != 1 {
				t.Error("the parcel is gone before the commit that takes it out")
			}
			a.holdHeads = false
			w.settle()
			w.rested()
			if got := a.table("channels")["out/1"]; !strings.HasPrefix(got, "1 number=1 id=") {
				t.Errorf("the outbox is empty up to %q", got)
			}
		})
	}
}

// R16, R25: a parcel whose commit the head does not show is put aside, and its sender
// is asked for what it holds now.
func TestAParcelThatIsNotShown(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	b.lineage = task.Lineage{Run: "s", Replication: "s"}
	b.own(m)
	w.settle()
	a.holdHeads = true
	b.give(0, node{1, "root", []node{leaf(0, "x")}})
	b.commit()
	w.carry(1, 0)
	if !slices.Equal(a.asked, []task.ID{1}) || a.pending != nil {
		t.Fatalf("asked for the heads of %v, commit %+v; want a look first", a.asked, a.pending)
	}
	done := a.heads()
	done.Heads[0].Number-- // the server has lost it
	a.step(done)
	if a.pending != nil {
		t.Fatalf("what the head does not show is applied: %+v", a.pending)
	}
	told := w.mail(0, 1)
	if asked := receipts(told); len(asked) != 1 || !asked[0].Again || asked[0].Number != 0 {
		t.Fatalf("the sender is told %+v, want to be asked again", asked)
	}
	a.holdHeads = false
	w.deliver(told...)
	w.settle()
	w.rested()
	if a.seen("x") != "1" {
		t.Errorf("seen %v, want x once", a.table("p:seen"))
	}
}

// A new owner sends what was not confirmed, names its own head, and keeps the ids; who
// has it already says so.
func TestANewOwnerSendsAgain(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{leaf(1, "x")}})
	a.commit()
	w.carry(0, 1)
	b.commit()
	w.frames = nil // the receipt is lost
	kept := maps.Clone(a.table("outbox"))
	a.own(m)
	a.commit()
	sent := w.mail(0, 1)
	if got := parcels(sent); len(got) != 1 || got[0] != kept["1/1"] {
		t.Fatalf("sent %x, want the stored parcel as it is", got)
	}
	for _, f := range sent {
		if f.Sender != a.head.Mark {
			t.Errorf("a frame names the head %v, the present one is %v", f.Sender, a.head.Mark)
		}
	}
	w.deliver(sent...)
	w.settle()
	w.rested()
	if b.seen("x") != "1" {
		t.Errorf("seen %v, want x once", b.table("p:seen"))
	}
}

// A parcel that got lost is sent again after a while, with growing pauses; one behind it
// that came has it asked for at once.
func TestLostParcelsAreSentAgain(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "one", []node{leaf(1, "x")}})
	a.commit()
	w.mail(0, 1)
	for range 3 {
		if w.wait(2e9); len(parcels(w.mail(0, 1))) == 0 {
			if w.wait(4e9); len(parcels(w.mail(0, 1))) == 0 {
				t.Fatal("an unconfirmed parcel is not sent again within 6 s")
			}
		}
	}
	a.give(1, node{0, "two", []node{leaf(1, "y")}})
	for a.pending != nil {
		a.commit()
	}
	w.carry(0, 1)
	told := w.mail(1, 0)
	if asked := receipts(told); len(asked) != 1 || !asked[0].Again {
		t.Fatalf("behind a gap the sender hears %+v, want to be asked again", asked)
	}
	w.deliver(told...)
	if got := parcels(w.mail(0, 1)); len(got) != 2 {
		t.Errorf("asked again it sends %d parcels, want both", len(got))
	}
	w.wait(10e9)
	w.settle()
	w.rested()
	if b.seen("x") != "1" || b.seen("y") != "1" {
		t.Errorf("seen %v, want both once", b.table("p:seen"))
	}
}

// A module's next version has events under way for a step that it does not have: the
// task halts and names the step, and what to do. A former name maps it.
func TestAStepThatIsGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*branches)
		gone   string
	}{
		{"gone", func(m *branches) { m.name = "after" }, "next"},
		{"renamed", func(m *branches) { m.name, m.former = "after", []module.StepOption{module.FormerName("next")} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, newBranches(), 2, runtime.Options{})
			a, b := w.tasks[0], w.tasks[1]
			a.give(0, node{0, "root", []node{leaf(1, "x")}})
			a.commit()
			w.frames = nil
			next := newBranches()
			c.change(next)
			a.own(next)
			b.own(next)
			if c.gone == "" {
				w.settle()
				w.rested()
				if b.seen("x") != "1" {
					t.Errorf("seen %v, want x once", b.table("p:seen"))
				}
				return
			}
			unknown, ok := errors.AsType[*wire.UnknownStepError](a.halt)
			if !ok || unknown.Step != c.gone || !strings.Contains(a.halt.Error(), `module.FormerName("next")`) {
				t.Errorf("halted: %v; want for step %s, with the mend", a.halt, c.gone)
			}
		})
	}
}

// R27: what does not fit may come from an owner that is about to notice that it went
// back. It is an alarm when the heads of both say that they stand: then one slot has
// lost what the other one has seen.
func TestSlotsThatDisagree(t *testing.T) {
	t.Parallel()
	beginning := wire.ParcelHead{Number: 2, ID: wire.ParcelID{Mark: task.Mark{Token: task.Token{77}, Number: 1}}, Before: wire.ParcelID{Mark: task.Mark{Token: task.Token{66}, Number: 1}}}
	for name, forge := range map[string]func(w *town) *wire.Frame{
		"a parcel that does not continue the chain": func(w *town) *wire.Frame { return &wire.Frame{Parcels: []string{w.forged(beginning, leaf(0, "z"))}} },
		"a receipt for what was never sent":         func(*town) *wire.Frame { return &wire.Frame{Receipt: &wire.Receipt{Number: 9, ID: beginning.ID}} },
		"a receipt for another parcel":              func(*town) *wire.Frame { return &wire.Frame{Receipt: &wire.Receipt{Number: 1, ID: beginning.ID}} },
		"a receipt for acks of another parcel": func(w *town) *wire.Frame {
			in, err := wire.ParseInPosition(w.tasks[1].table("channels")["in/0"])
			if err != nil {
				w.t.Fatal(err)
			}
			return &wire.Frame{Receipt: &wire.Receipt{Number: in.Number, ID: in.ID, AckNumber: in.Number + 1, AckID: beginning.ID}}
		},
		"a receipt from before the outbox": func(*town) *wire.Frame { return &wire.Frame{Receipt: &wire.Receipt{}} },
	} {
		for _, stands := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", whose sender stands", false: ", whose sender is gone"}[stands], func(t *testing.T) {
				t.Parallel()
				w := newTown(t, newBranches(), 2, runtime.Options{})
				a, b := w.tasks[0], w.tasks[1]
				// One parcel each way, applied and trimmed.
				a.give(0, node{0, "root", []node{{1, "x", []node{leaf(0, "y")}}}})
				w.settle()
				a.holdHeads = true
				f := forge(w)
				f.From, f.To, f.Number, f.Sender, f.Lineage = 1, 0, 1000, b.head.Mark, b.lineage
				w.deliver(f)
				if !slices.Contains(a.asked, 0) || !slices.Contains(a.asked, 1) || a.halt != nil {
					t.Fatalf("asked for the heads of %v, halted: %v; want a look at both", a.asked, a.halt)
				}
				if !stands {
					b.head.Token = task.Token{88}
				}
				a.step(a.heads())
				disagree, halted := errors.AsType[*runtime.ChannelError](a.halt)
				if halted != stands || halted && disagree.Peer != 1 {
					t.Errorf("halted: %v", a.halt)
				}
				if asked := receipts(w.mail(0, 1)); !stands && (len(asked) != 1 || !asked[0].Again) {
					t.Errorf("its successor is told %+v, want to be asked for what holds now", asked)
				}
			})
		}
	}
}

// R26, R27: an old receipt that comes once more, to a new owner, is no alarm: its
// sender's head has moved on since.
func TestAnOldReceiptIsNoAlarm(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	send := func(offset int64, name string) (answers []*wire.Frame) {
		a.give(offset, node{0, name, []node{leaf(1, name)}})
		a.commit()
		w.carry(0, 1)
		b.commit()
		answers = w.mail(1, 0)
		w.deliver(answers...)
		w.wait(25e6)
		a.commit()
		return answers
	}
	old := send(0, "x")
	send(1, "y")
	for range 2 {
		a.own(m)
		a.commit()
		w.frames = nil // and it comes before all that answers the new owner
		w.deliver(old...)
		w.settle()
		w.rested()
	}
}

// R27: a task whose slot has lost what another one has seen is found out, also if all
// that it says at first comes from before the other one looked.
func TestALostTailIsNoticed(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	before, head := copied(b.tables), b.head
	a.give(0, node{0, "x", []node{leaf(1, "x")}})
	w.settle()
	b.tables, b.head = before, head
	b.own(m)
	b.commit()
	b.give(0, leaf(1, "y")) // its head moves on before a looks at it
	b.commit()
	w.settle()
	if disagree, ok := errors.AsType[*runtime.ChannelError](a.halt); !ok || disagree.Peer != 1 {
		t.Errorf("halted: %v, want the disagreement with task 1", a.halt)
	}
}

// What is sent at once goes in as many frames as it takes: each has 1 MiB of parcels at
// most, or a single one.
func TestFramesOfParcels(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{})
	a := w.tasks[0]
	for i := range 5 {
		a.give(int64(i), node{0, "root", []node{leaf(1, strings.Repeat("x", wire.ParcelBytesMax/2-500))}})
		a.commit()
	}
	w.frames = nil
	a.own(m)
	a.commit()
	var sizes []int
	sent := w.mail(0, 1)
	for _, f := range sent {
		if len(f.Parcels) > 0 {
			sizes = append(sizes, len(f.Parcels))
		}
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) {
		t.Errorf("frames of %v parcels, want 2, 2 and 1", sizes)
	}
	w.deliver(sent...)
	w.settle()
	w.rested()
}
