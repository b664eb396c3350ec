package runtime_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// flood sends a text "N" on to N leaves of the same task and "N away" to the other one;
// "N then fail" does so and fails. Leaves of texts of one record come in order.
type flood struct {
	Texts module.Depot[string]
	leaf  module.Step[int]
	ran   []int // leaves, as they ran
	small int   // records without leaves that ran
}

func (m *flood) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("flood")
	module.DeclareStep(s, &m.leaf, "leaf", module.Stay[int](), func(_ *module.Event, i int) error {
		m.ran = append(m.ran, i)
		return nil
	})
	module.DeclareSource(s, m.Texts, m.send, module.StartFromBeginning())
}

func (m *flood) send(ev *module.Event, v string) error {
	var n int
	if _, err := fmt.Sscan(v, &n); err != nil {
		return err
	}
	if n == 0 {
		m.small++
	}
	to := task.ID(0)
	if strings.HasSuffix(v, "away") {
		to = 1
	}
	for i := range n {
		m.leaf.SendTo(ev, to, i)
	}
	if strings.HasSuffix(v, "fail") {
		return errBad
	}
	return nil
}

// disky drives a task that spills to a map, and answers everything else at once.
type disky struct {
	t      *testing.T
	engine *runtime.Task
	now    int64
	kept   map[uint64][]byte
	feed   uint64            // generation
	feeds  map[string]uint64 // generations, by depot
	next   int64             // offset
	full   bool              // the disk takes nothing
	bad    bool              // … or gives nothing back
	held   bool              // reads wait
	later  []runtime.Input

	most    int64 // bytes that the task has had in memory
	written int
	gone    int // taken back
	dropped int
	shipped []*wire.Frame
	heard   []string
	done    []string // records, by offset
	wakeAt  int64
	steps   int
	each    func() runtime.Input // after each step; nil: nothing
	lost    error                // of the next look at a head
}

func onDisk(t *testing.T, m module.Module, tasks int, options runtime.Options) *disky {
	t.Helper()
	d := &disky{t: t, kept: map[uint64][]byte{}, feeds: map[string]uint64{}}
	d.engine = taker(t, tasks, m, options, func(c *runtime.Config) {
		c.EncodeHops = true
		c.Listener = &runtime.Listener{
			Dropped:      func(i runtime.DroppedInfo) { d.heard = append(d.heard, "dropped: "+i.Cause.Error()) },
			RecordFailed: func(i runtime.RecordInfo) { d.heard = append(d.heard, i.Err) },
			RecordDone:   func(i runtime.RecordInfo) { d.done = append(d.done, fmt.Sprint(i.Offset)) },
		}
	})
	d.step(&runtime.Start{})
	return d
}

func (d *disky) give(texts ...string) {
	in := &runtime.Records{Depot: "texts", Generation: d.feed}
	for _, text := range texts {
		in.Records = append(in.Records, depot.Record{Offset: d.next, Value: []byte(text)})
		d.next++
	}
	d.step(in)
}

// step gives the task an input and answers what it asks, until it rests.
func (d *disky) step(in runtime.Input) {
	inputs := []runtime.Input{in}
	for len(inputs) > 0 {
		in, inputs = inputs[0], inputs[1:]
		d.now++
		d.steps++
		e := d.engine.Step(d.now, in)
		d.most = max(d.most, d.engine.QueuedBytes())
		d.wakeAt = e.WakeAt
		inputs = append(inputs, d.carryOut(e)...)
		if d.each == nil {
			continue
		}
		if in := d.each(); in != nil {
			inputs = append(inputs, in)
		}
	}
}

func (d *disky) carryOut(e *runtime.Effects) (answers []runtime.Input) {
	if e.Drop {
		d.dropped++
		clear(d.kept)
	}
	if e.Take != nil {
		answers = append(answers, &runtime.Taken{Lineage: task.Lineage{Run: "r", Replication: "r"}})
	}
	if len(e.Reads) > 0 {
		answers = append(answers, &runtime.ReadDone{Reads: slices.Clone(e.Reads)})
	}
	if len(e.Starts) > 0 {
		answers = append(answers, &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	}
	if len(e.Heads) > 0 {
		answers = append(answers, &runtime.HeadsDone{Tasks: slices.Clone(e.Heads), Heads: make([]task.Head, len(e.Heads)), Err: d.lost})
		d.lost = nil
	}
	if e.Commit != nil {
		answers = append(answers, &runtime.CommitDone{})
	}
	for _, f := range e.Feeds {
		if f.Order == runtime.FeedFrom {
			d.feed, d.feeds[f.Depot] = f.Generation, f.Generation
		}
	}
	for _, s := range e.Spills {
		d.written++
		if d.full {
			answers = append(answers, &runtime.Spilled{ID: s.ID, Raw: s.Raw, Err: errors.New("no space left on device")})
			continue
		}
		d.kept[s.ID] = s.Raw
		answers = append(answers, &runtime.Spilled{ID: s.ID})
	}
	for _, id := range e.Unspills {
		if d.kept[id] == nil {
			d.t.Fatalf("entry %d is asked for and was not kept", id)
		}
		in := &runtime.Unspilled{ID: id, Raw: d.kept[id]}
		if d.bad {
			in = &runtime.Unspilled{ID: id, Err: errors.New("input/output error")}
		}
		delete(d.kept, id)
		if d.held {
			d.later = append(d.later, in)
		} else {
			answers = append(answers, in)
		}
	}
	for _, id := range e.Unwanted {
		d.gone++
		delete(d.kept, id)
	}
	d.shipped = append(d.shipped, e.Frames...)
	return answers
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// R43: a record that fans out to very many events takes little memory, from the handler
// that sends them to the task that runs them. They run in the order of sending, and small
// records that come meanwhile do not wait for them.
func TestAHugeTreeTakesLittleMemory(t *testing.T) {
	t.Parallel()
	const (
		events = 200_000
		bound  = 256 << 10
	)
	m := &flood{}
	d := onDisk(t, m, 1, runtime.Options{TreeBytesMax: bound})
	given, waited, most := 0, 0, 0
	d.each = func() runtime.Input {
		if len(m.ran) == 0 || len(m.ran) == events || m.small < given {
			return nil
		}
		// One small record at a time: how many events run until it has?
		most = max(most, len(m.ran)-waited)
		waited = len(m.ran)
		given++
		d.next++
		return &runtime.Records{Depot: "texts", Generation: d.feed, Records: []depot.Record{{Offset: d.next - 1, Value: []byte("0")}}}
	}
	d.give(fmt.Sprint(events))
	if !slices.Equal(m.ran, upTo(events)) {
		t.Fatalf("%d events ran, in order: %t", len(m.ran), slices.IsSorted(m.ran))
	}
	if d.most > 2*bound {
		t.Errorf("the task had %d bytes of events in memory, the bound is %d", d.most, bound)
	}
	if len(d.kept) != 0 || d.written == 0 {
		t.Errorf("%d entries were written, %d are still kept", d.written, len(d.kept))
	}
	if given < 50 || most > 4_000 {
		t.Errorf("%d small records ran beside the huge one, and up to %d of its events before one of them", given, most)
	}
	if !slices.Contains(d.done, "0") {
		t.Error("the huge record is not done")
	}
	t.Logf("%d events, %d bytes in memory at most, %d entries written, %d small records, at most %d events before one", events, d.most, d.written, given, most)
}

// R43, R24: what one event sends to one task leaves in frames of at most 1,000 events,
// and one that would send for ever more than fits does not hold its batch in memory.
func TestFramesAreCut(t *testing.T) {
	t.Parallel()
	for _, bound := range []int64{0, 16 << 10} {
		d := onDisk(t, &flood{}, 2, runtime.Options{TreeBytesMax: bound})
		d.give("3500 away")
		var got []int
		for _, f := range d.shipped {
			if len(f.Events) > 1000 {
				t.Errorf("a frame of %d events", len(f.Events))
			}
			for i := range f.Events {
				got = append(got, payload(t, f, i))
			}
		}
		if !slices.Equal(got, upTo(3500)) {
			t.Errorf("bound %d: %d events left, in order: %t", bound, len(got), slices.IsSorted(got))
		}
		if (d.written > 0) != (bound > 0) || len(d.kept) > 0 {
			t.Errorf("bound %d: %d entries written, %d kept", bound, d.written, len(d.kept))
		}
	}
}

func payload(t *testing.T, f *wire.Frame, i int) (n int) {
	t.Helper()
	raw, err := f.Columns[f.Events[i].Step].AppendEncoded(nil, int(f.Events[i].Index))
	if err == nil {
		_, err = fmt.Sscan(string(raw), &n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// promise 3.65: what an event has sent off is taken back with it when it fails, also what
// was not in memory any more, and what others of its batch have sent off stays.
func TestPiecesAreTakenBack(t *testing.T) {
	t.Parallel()
	m := &flood{}
	d := onDisk(t, m, 1, runtime.Options{TreeBytesMax: 16 << 10})
	d.give("20", "2000 then fail", "30")
	want := append(upTo(20), upTo(30)...)
	if !slices.Equal(m.ran, want) {
		t.Errorf("ran %v, want %v", m.ran, want)
	}
	if d.gone == 0 || len(d.kept) > 1 {
		t.Errorf("%d entries were taken back, %d are kept", d.gone, len(d.kept))
	}
	for range 30 {
		if len(d.done) == 2 {
			break
		}
		d.now = max(d.now, d.wakeAt)
		d.step(&runtime.Tick{})
	}
	if len(d.done) != 2 {
		t.Errorf("done are %v", d.done)
	}
}

// R43: a full disk fails the record with the reason, and it is tried again; neither does
// the task halt, nor does that count toward MaxAttempts.
func TestAFullDiskFailsTheRecord(t *testing.T) {
	t.Parallel()
	m := &flood{}
	d := onDisk(t, m, 1, runtime.Options{TreeBytesMax: 16 << 10})
	d.full = true
	d.give("2000")
	tries := 0
	for ; tries < 40; tries++ { // more than AttemptsDefault
		if d.full = tries < 25; len(d.done) > 0 {
			break
		}
		d.now = max(d.now, d.wakeAt)
		d.step(&runtime.Tick{})
	}
	if len(d.done) != 1 || d.dropped > 0 {
		t.Fatalf("done %v after %d tries, dropped %d times, heard %q", d.done, tries, d.dropped, d.heard)
	}
	if len(d.heard) < module.AttemptsDefault || !strings.Contains(d.heard[0], "found no room in memory") || !strings.Contains(d.heard[0], "no space left") {
		t.Errorf("heard %q", d.heard)
	}
}

// R43: also where the events are at their target, of another task's record: their root
// is told.
func TestAFullDiskTellsTheRoot(t *testing.T) {
	t.Parallel()
	m := &flood{}
	d := onDisk(t, m, 2, runtime.Options{TreeBytesMax: 4 << 10})
	d.shipped = nil
	d.full = true
	d.flow(1, 400)
	told := 0
	for _, f := range d.shipped {
		for _, a := range f.Acks {
			if a.More != nil && a.More.Outcome == wire.Undone && strings.Contains(a.More.Text, "no space left") {
				told++
			}
		}
	}
	if told == 0 || d.dropped > 0 {
		t.Errorf("the root was told %d times; dropped %d times", told, d.dropped)
	}
	if !slices.IsSorted(m.ran) || len(m.ran) == 400 || len(m.ran) == 0 {
		t.Errorf("%d events ran, in order: %t", len(m.ran), slices.IsSorted(m.ran))
	}
}

// flow hands the task frames of ten events each from task 1, all of a tree rooted there.
func (d *disky) flow(first uint64, events int) {
	d.t.Helper()
	plan, err := module.Compile(&flood{})
	if err != nil {
		d.t.Fatal(err)
	}
	// They come while nothing can run: the task waits for its disk.
	var frames []runtime.Input
	for i := 0; i < events; i += 10 {
		f := &wire.Frame{From: 1, To: 0, Number: first, Sender: task.Mark{Token: task.Token{9}, Number: 1}, Lineage: task.Lineage{Run: "r", Replication: "r"}}
		first++
		c := plan.Steps()[0].NewColumn(true)
		f.Columns = []wire.Column{c}
		for j := range 10 {
			c.Add(fmt.Append(nil, i+j))
			e := wire.Event{Index: uint32(j), Seed: uint64(i + j)}
			e.Root, e.Tree.ID, e.Attempt = 1, 77, 1
			f.Events = append(f.Events, e)
		}
		frames = append(frames, &runtime.FrameIn{Frame: f})
	}
	// The first is of a period that the task does not know: the others come while it looks.
	d.now++
	var answers []runtime.Input
	for _, in := range frames {
		e := d.engine.Step(d.now, in)
		for _, id := range e.Heads {
			answers = append(answers, &runtime.HeadsDone{Tasks: []task.ID{id}, Heads: []task.Head{{Mark: task.Mark{Token: task.Token{9}, Number: 1}}}})
		}
	}
	for _, in := range answers {
		d.step(in)
	}
}

// R43: what cannot be read back is lost like all that a task has in memory: it starts
// anew.
func TestADiskThatDoesNotGiveBack(t *testing.T) {
	t.Parallel()
	m := &flood{}
	d := onDisk(t, m, 1, runtime.Options{TreeBytesMax: 16 << 10})
	d.bad = true
	d.give("2000")
	if d.dropped != 1 || len(d.heard) != 1 || !strings.Contains(d.heard[0], "input/output error") {
		t.Fatalf("dropped %d times, heard %q", d.dropped, d.heard)
	}
	d.bad = false
	d.now = max(d.now, d.wakeAt)
	d.step(&runtime.Tick{})
	d.next = 0
	d.give("2000")
	if len(d.done) != 1 || len(d.kept) > 0 {
		t.Errorf("done %v, %d entries kept", d.done, len(d.kept))
	}
}

// R43: while the way to another task is shut, events for it wait in order, and acks do
// not wait behind them.
func TestAcksDoNotWaitBehindEvents(t *testing.T) {
	t.Parallel()
	m := &flood{}
	d := onDisk(t, m, 2, runtime.Options{TreeBytesMax: 4 << 10})
	d.step(&runtime.Outlet{To: 1, Shut: true})
	d.shipped = nil
	d.give("600 away")
	if len(d.shipped) != 0 {
		t.Fatalf("%d frames left though the way is shut", len(d.shipped))
	}
	d.flow(1, 10) // its acks go to task 1, too
	if s := d.engine.Status(); s.Queued != 600 {
		t.Errorf("%d events wait, want 600", s.Queued)
	}
	acks := 0
	for _, f := range d.shipped {
		if len(f.Events) > 0 {
			t.Fatalf("%d events left though the way is shut", len(f.Events))
		}
		acks += len(f.Acks)
	}
	if acks == 0 {
		t.Fatal("acks wait behind the events")
	}
	d.give("5 away")
	d.shipped = nil
	d.step(&runtime.Outlet{To: 1})
	var got []int
	for _, f := range d.shipped {
		for i := range f.Events {
			got = append(got, payload(t, f, i))
		}
	}
	if want := append(upTo(600), upTo(5)...); !slices.Equal(got, want) {
		t.Errorf("left when the way opened: %v", got)
	}
	if s := d.engine.Status(); s.Queued != 0 {
		t.Errorf("%d events wait in the end", s.Queued)
	}
	if len(d.kept) > 0 || d.engine.QueuedBytes() > 4<<10 {
		t.Errorf("%d entries kept, %d bytes in memory", len(d.kept), d.engine.QueuedBytes())
	}
}

// What a former period has kept is of no use to the next: answers of its time touch
// nothing.
func TestSpillsAreForgottenWithThePeriod(t *testing.T) {
	t.Parallel()
	m := &flood{}
	d := onDisk(t, m, 1, runtime.Options{TreeBytesMax: 16 << 10})
	d.held = true
	d.give("2000")
	ran, late := len(m.ran), d.later
	if len(late) == 0 || ran == 2000 {
		t.Fatalf("%d events ran, %d entries are on their way back", ran, len(late))
	}
	d.lost = store.ErrFenced
	for range 3 { // it looks at its head, drops its connection, takes the slot anew
		d.now = max(d.now, d.wakeAt)
		d.step(&runtime.Tick{})
	}
	if d.dropped != 1 || len(d.kept) > 0 {
		t.Fatalf("dropped %d times, %d entries are kept", d.dropped, len(d.kept))
	}
	for _, in := range late {
		d.step(in)
	}
	if len(m.ran) != ran {
		t.Errorf("%d events ran, %d before the period ended", len(m.ran), ran)
	}
	d.held, d.next = false, 0
	d.give("2000")
	if len(d.done) != 1 || !slices.Equal(m.ran[ran:], upTo(2000)) {
		t.Errorf("done %v, %d events ran anew", d.done, len(m.ran)-ran)
	}
}

// R43: sources stop while very much waits on the disk, and go on by themselves.
func TestSourcesStopWhileTheDiskFills(t *testing.T) {
	t.Parallel()
	m := &flood{}
	d := onDisk(t, m, 1, runtime.Options{TreeBytesMax: 2 << 10})
	d.held = true
	d.give("20000")
	d.give("0", "0")
	if m.small > 0 {
		t.Error("records are begun while the disk fills")
	}
	e := d.engine.Step(d.now, &runtime.Await{Depot: "texts", Offset: 2, Waiter: 1})
	if len(e.Answers) != 1 || e.Answers[0].Kind != runtime.AnswerThrottled || !strings.Contains(e.Answers[0].Text, "disk") {
		t.Errorf("who waits for them is told %+v", e.Answers)
	}
	d.held = false
	for len(d.later) > 0 {
		in := d.later[0]
		d.later = d.later[1:]
		d.step(in)
	}
	if m.small != 2 || len(m.ran) != 20_000 {
		t.Errorf("%d small records and %d events ran in the end", m.small, len(m.ran))
	}
}
