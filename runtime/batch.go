package runtime

import (
	"slices"
	"strings"

	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// batch is the events that one commit covers, and what follows from it.
type batch struct {
	commit   store.Batch
	arena    overlay.Arena
	mark     task.Mark
	events   int
	finished []finished    // records that ended here without a tree
	frames   []*wire.Frame // leave after the commit
	pieces   []*host.Piece // so do these, before the frames; they are not in memory
	bytes    int64         // of the frames' events
	sent     int           // how many these are
	consumed []*wire.Frame // frames whose last event ran here
	applied  []*wire.Frame // of parcels that came opened, whose last event ran here
	followed []Followed
	passed   []try    // records that are finished though their trees are not (RetryNone)
	begins   []begin  // attempts whose numbers the commit holds (R20)
	books    []book   // writes to the task's own tables
	orders   []*order // carried out with the commit
	crash    CrashPoint
	begun    bool   // an event has run in it
	began    int64  // when its first event was about to run
	over     bool   // it has failed and takes no more events
	whole    *whole // it fails as one; nil: each event alone

	resultsKept bool

	// Of exactly-once topologies.
	seq             uint64 // of the batches of this task, as they were begun
	consumedRecords []try  // records whose root events ran here
	parcels         []posted
	receipts        []receipt
	completed       []*group // whose last events ran here

	calls []*call // that leave with the commit

	// Of microbatches.
	extra  []store.Change // beside those of the view
	learn  []store.Change // those of them that the view has to hear of
	micros []microDone

	batchAppends
}

// book is a write to one of the task's own tables.
type book struct {
	table store.Table
	write store.Write
}

// note adds a write to one of the task's own tables.
func (b *batch) note(table store.Table, write store.Write) {
	b.books = append(b.books, book{table, write})
}

// openBooks adds what was noted to the commit, table by table.
func (b *batch) openBooks() {
	slices.SortStableFunc(b.books, func(x, y book) int { return strings.Compare(x.table.Key, y.table.Key) })
	var c *store.Change
	for _, n := range b.books {
		if c == nil || c.Table != n.table {
			c = b.commit.Open(n.table)
		}
		c.Writes = append(c.Writes, n.write)
	}
}

// finished is a record that is done, whatever way.
type finished struct {
	try
	outcome wire.Outcome
	text    string
	returns []wire.Return
	// combined: returns has one value for each ack.
	combined bool
	said     *unsaid // what its end waits for before it is told
	later    bool    // it waits
	kept     bool    // its result is
	unheard  bool    // it is known that nobody follows it
	began    int64   // when its root event did; 0: not known
	tree     uint64  // the attempt's; 0: it had none
	touched  uint64  // tasks that its events went to
}

func (f *finished) parked() bool { return f.outcome == wire.Parked }

// ofEvent reports whether it is a parked event that has run again. That is no record: the
// task may have one of its own with the same offset.
func (f *finished) ofEvent() bool { return f.order != nil && f.order.Event != "" }

func (t *Task) newBatch() *batch {
	b := t.spareBatch()
	t.batches++
	b.seq, b.began = t.batches, t.now
	return b
}

func (t *Task) spareBatch() *batch {
	if n := len(t.spare); n > 0 {
		b := t.spare[n-1]
		t.spare = t.spare[:n-1]
		return b
	}
	return &batch{}
}

// reuse takes back a batch that is settled.
func (t *Task) reuse(b *batch) {
	clear(b.finished)
	clear(b.frames)
	clear(b.consumed)
	clear(b.applied)
	clear(b.followed)
	clear(b.passed)
	clear(b.begins)
	clear(b.books)
	clear(b.orders)
	b.pieces, b.bytes, b.sent = nil, 0, 0
	b.commit.Changes = b.commit.Changes[:0]
	b.arena.Reset()
	b.events, b.begun, b.over, b.resultsKept, b.whole = 0, false, false, false, nil
	b.finished, b.frames, b.consumed, b.applied, b.followed = b.finished[:0], b.frames[:0], b.consumed[:0], b.applied[:0], b.followed[:0]
	b.passed, b.begins, b.books, b.orders = b.passed[:0], b.begins[:0], b.books[:0], b.orders[:0]
	b.mark, b.crash = task.Mark{}, AtOnce
	b.batchAppends.reset()
	clear(b.consumedRecords)
	clear(b.parcels)
	clear(b.completed)
	clear(b.calls)
	b.calls = b.calls[:0]
	b.extra, b.learn, b.micros = nil, nil, b.micros[:0]
	b.consumedRecords, b.parcels, b.receipts, b.completed = b.consumedRecords[:0], b.parcels[:0], b.receipts[:0], b.completed[:0]
	if len(t.spare) < 3 {
		t.spare = append(t.spare, b)
	}
}

// seal closes the open batch and sends its commit, if none is under way. A lone
// event is committed alone; while a commit is under way, events gather in the
// next batch: no timer (promise 3.45). It reports whether more may run at once.
func (t *Task) seal() bool {
	if t.inflight != nil || t.co.waiting {
		return false
	}
	due := t.progressDue() || t.trimsDue() || t.microsDue()
	if t.open == nil {
		if !due {
			return false
		}
		t.open = t.newBatch()
	}
	b := t.open
	t.trimAppends(b, due)
	t.open = nil
	t.closeWhole(b)
	b.bytes, b.sent, b.pieces = int64(t.host.Out.Bytes()), t.host.Out.Mark(), t.host.Out.TakePieces()
	b.frames = t.host.Out.Take(b.frames)
	t.takeCalls(b)
	t.pass(b)
	t.consumeRecords(b)
	t.storeHops(b)
	t.storeMicros(b)
	t.keepAppends(b)
	for i := range b.finished {
		f := &b.finished[i]
		if f.parked() {
			t.park(f)
		}
		t.finish(f, b)
	}
	t.storeEndings(b)
	if t.view.Dirty() == 0 && len(b.books) == 0 && len(b.passed) == 0 && !due && !t.view.Changed() {
		// Nothing to store: what the events sent off may leave at once.
		t.release(b)
		return true
	}
	if err := t.view.Seal(&b.commit, &b.arena); err != nil {
		t.halt(err) // values are checked when they are written
		return false
	}
	t.view.Learn(b.learn)
	t.forgetKept(b)
	t.noteSenders(b)
	t.noteMicroProgress(b)
	b.openBooks()
	t.writeProgress(b)
	b.addExtra()
	t.send(b)
	return false
}

// send puts the batch under way.
func (t *Task) send(b *batch) {
	if t.crashesSealed(b) {
		return
	}
	b.commit.Head = t.head
	b.commit.Head.Number++
	b.commit.Level = t.options.Durability
	b.mark = b.commit.Head.Mark
	t.inflight = b
	t.effects.Commit = &b.commit
	if t.listener.BatchSent != nil {
		t.listener.BatchSent(t.batchInfo(b))
	}
}

func (t *Task) batchInfo(b *batch) BatchInfo {
	fields := 0
	for i := range b.commit.Changes {
		fields += len(b.commit.Changes[i].Writes)
	}
	info := BatchInfo{
		TaskInfo: t.info, Head: b.mark, Events: b.events, Fields: fields, Frames: len(b.frames), Followed: b.followed,
		Bytes: b.bytes, Gathered: t.took(b.began), Level: t.options.Durability,
		Queued: t.queued(), Pending: t.pending(),
	}
	if !b.mark.Token.IsZero() {
		info.Commit = &b.commit
	}
	return info
}

// progressDue reports whether some topology's progress is to be written even
// without data (promises 3.95 and 3.97), or what channels brought.
func (t *Task) progressDue() bool {
	if t.hops.dueAt != 0 && (t.finishing || t.now >= t.hops.dueAt) {
		return true
	}
	for _, topo := range t.topology {
		if topo.dirty && (t.finishing || topo.finished >= topo.options.CheckpointThreshold || t.now >= topo.writtenAt+int64(topo.options.CheckpointPeriod)) {
			return true
		}
	}
	return false
}

// writeProgress adds the progress of every topology that has any to the batch:
// in a data commit it costs one field.
func (t *Task) writeProgress(b *batch) {
	for _, topo := range t.topology {
		if !topo.dirty {
			continue
		}
		topo.dirty, topo.finished, topo.writtenAt = false, 0, t.now
		change := b.commit.Open(topo.table)
		for _, s := range topo.sources {
			s.sealed = s.progress.Next
			t.host.Scratch = s.progress.AppendText(t.host.Scratch[:0])
			change.Writes = append(change.Writes, store.Write{Field: s.plan.Name, Value: b.arena.Text(t.host.Scratch)})
		}
	}
}

// release lets go what waited for the batch's commit: hops and acks leave, those
// to this task take effect, appenders are answered.
func (t *Task) release(b *batch) {
	if t.crashesCommitted(b) {
		return
	}
	if !b.mark.Token.IsZero() {
		t.counts.Commits++
		for i := range b.commit.Changes {
			t.counts.Fields += uint64(len(b.commit.Changes[i].Writes))
		}
	}
	if t.listener.BatchCommitted != nil && b.events > 0 {
		t.listener.BatchCommitted(t.batchInfo(b))
	}
	t.released = b.seq
	t.keepResults(b)
	for i := range b.finished {
		if f := &b.finished[i]; !f.later {
			t.recordDone(f)
		}
	}
	for _, g := range b.completed {
		t.groupDone(g)
	}
	t.announced(b)
	for _, o := range b.orders {
		t.answerOrder(o, AnswerDone, "")
	}
	t.releasePieces(b)
	for _, f := range b.frames {
		if f.To != t.config.Task {
			t.depart(f)
		} else if t.phase == running {
			t.ownFrame(f)
		}
	}
	t.postHops(b)
	t.releaseMicros(b)
	if t.phase == running {
		t.calls.queued = append(t.calls.queued, b.calls...)
		t.beginCalls()
	}
	t.sendAppends(b)
	for _, f := range b.consumed {
		t.pool.Put(f)
	}
	if t.host.Out != nil {
		t.host.Out.UseAgain(b.applied)
	}
	t.reuse(b)
}

// ship sends a frame to another task. It names the head at the moment of sending
// (R14).
func (t *Task) ship(f *wire.Frame) {
	t.numbers[f.To]++
	f.From, f.Number = t.config.Task, t.numbers[f.To]
	f.Sender, f.Replaced, f.Lineage = t.head.Mark, t.head.Replaced, t.lineage
	t.effects.Frames = append(t.effects.Frames, f)
}

// ownFrame takes in what this task sent to itself.
func (t *Task) ownFrame(f *wire.Frame) {
	f.From = t.config.Task
	for i := range f.Acks {
		t.onAck(f, &f.Acks[i])
	}
	if len(f.Events) > 0 {
		t.enqueue(f)
	} else {
		t.pool.Put(f)
	}
}
