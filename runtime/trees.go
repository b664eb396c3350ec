package runtime

import (
	"time"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/task"
)

// rooted is what the root's task keeps of a record whose tree is under way.
type rooted struct {
	try
	began    int64 // when its root event did
	opened   int64 // when its tree was
	rejected bool
	text     string
	trace    *wire.Trace
	returns  []wire.Return
	proofs   []proof // acks whose heads this connection has not shown (R13)
}

// deadline is when a tree was opened: it fails if it is still open after the
// topology's timeout (promise 3.61). The first opened is the first due.
type deadline struct {
	tree   acker.Ref
	opened int64
}

// plant fills in the tree of a root event that hopped.
func (t *Task) plant(it *item) {
	tree := t.ledger.Find(t.host.Origin.Tree)
	tree.Data = rooted{try: it.try, began: t.root.began, opened: t.now, trace: t.host.Origin.Trace}
	topo := it.source.topology
	topo.deadlines = append(topo.deadlines, deadline{tree.Ref, t.now})
}

func newOwner(f *wire.Frame) string { return "task " + f.From.String() + " has a new owner" }

// onAck books finished events of a tree rooted here.
func (t *Task) onAck(f *wire.Frame, a *wire.Ack) {
	tree := t.ledger.Find(a.Tree)
	if tree == nil || tree.Data.source == nil {
		t.microLost(a)
		return // an attempt that is over
	}
	d := &tree.Data
	if f.From != t.config.Task && !f.Lineage.Same(t.lineage) {
		d.rest(proof{f.From, f.Sender})
	}
	if m := a.More; m != nil {
		d.returns = append(d.returns, m.Returns...)
		switch m.Outcome {
		case wire.Failed:
			t.treeFailed(tree, "step "+m.Step+": "+m.Text, byHandler)
			return
		case wire.Undone:
			t.treeFailed(tree, "step "+m.Step+": "+m.Text, byWorld)
			return
		case wire.Parked:
			t.treeParked(tree, "step "+m.Step+": "+m.Text)
			return
		case wire.Rejected:
			d.rejected, d.text = true, m.Text
		}
	}
	if id, ok := t.metLate(a.Touched&^tree.Touched, d.opened); ok {
		t.treeFailed(tree, "task "+id.String()+" has a new owner", byWorld)
		return
	}
	if tree.Ack(a.Delta, a.Touched) {
		t.treeComplete(tree)
	}
}

// metLate finds a task, of those that an ack names first, of whose new owner this task
// has heard since a tree was opened: whether the tree's events went to that one, or were
// lost with the one before, nobody can tell (R19).
func (t *Task) metLate(first uint64, opened int64) (task.ID, bool) {
	if first == 0 || opened >= t.metBefore {
		return 0, false
	}
	for i := range t.peers {
		if first&touch(task.ID(i)) != 0 && opened < t.peers[i].metBefore {
			return task.ID(i), true
		}
	}
	return 0, false
}

// treeComplete ends a tree of which nothing is under way: at once if all its
// acks are proven, else when their heads are shown.
func (t *Task) treeComplete(tree *acker.Tree[rooted]) {
	if len(tree.Data.proofs) > 0 {
		t.unproven = append(t.unproven, tree.Ref)
		t.askHeads()
		return
	}
	t.treeDone(tree)
}

// ended is the end of a record whose tree is about to be closed.
func ended(tree *acker.Tree[rooted]) finished {
	return finished{try: tree.Data.try, began: tree.Data.began, tree: tree.Ref.ID, touched: tree.Touched}
}

func (t *Task) treeDone(tree *acker.Tree[rooted]) {
	f := ended(tree)
	f.returns = tree.Data.returns
	if tree.Data.rejected {
		f.outcome, f.text = wire.Rejected, tree.Data.text
	}
	t.ledger.Close(tree)
	if f.order != nil {
		t.toOpen(f) // leaves the parked ones with the next commit
		return
	}
	t.finish(&f, nil)
	t.recordDone(&f)
}

// treeFailed ends an attempt; the record is tried again from the start
// (promise 3.54).
func (t *Task) treeFailed(tree *acker.Tree[rooted], why string, by blame) {
	f := ended(tree)
	f.outcome, f.text = wire.Failed, why
	t.ledger.Close(tree)
	t.attemptFailed(f, by)
}

// blame says whether a failed attempt counts toward MaxAttempts (R20).
type blame uint16

const (
	byWorld   blame = iota // a lost connection, a hand-over, a lost tail, a timeout
	byHandler              // an error or a panic
)

// treeParked takes the record out of the stream: the next commit stores it with
// the parked ones and marks it finished.
func (t *Task) treeParked(tree *acker.Tree[rooted], why string) {
	f := ended(tree)
	f.outcome, f.text = wire.Parked, why
	t.ledger.Close(tree)
	t.putAside(f)
}

// putAside ends a record for good. Where a source keeps its order, what is left
// of the record must not write any more, and what came behind it runs again.
func (t *Task) putAside(f finished) {
	t.toOpen(f)
	if f.source.keepsOrder() && f.order == nil {
		t.rewind(f.source, f.record.Offset+1, 0)
	}
}

// toOpen has a record end with the open batch.
func (t *Task) toOpen(f finished) {
	if t.open == nil {
		t.open = t.newBatch()
	}
	t.open.finished = append(t.open.finished, f)
}

// attemptFailed does what the source's retry mode says: tries the record again
// after a pause, alone or with all behind it, or drops it; after the last attempt
// the record is parked.
func (t *Task) attemptFailed(f finished, by blame) {
	if f.order != nil {
		f.outcome = wire.Parked // again, whatever its source does about failures
		t.toOpen(f)
		return
	}
	if f.source.dropsFailures() {
		t.toOpen(f)
		return
	}
	f.failures = min(f.failures+uint16(by), failuresMax)
	if f.number > 0 {
		f.source.counted[f.record.Offset] = counted{f.failures, f.number}
	}
	if most := f.source.plan.MaxAttempts; most > 0 && by == byHandler && int(f.failures) >= most {
		f.outcome = wire.Parked
		t.putAside(f)
		return
	}
	t.counts.Failed++
	f.source.topology.executing--
	pause := stream.Backoff(stream.After(f.attempt), int64(f.source.topology.options.RetryBackoff), int64(f.source.topology.options.RetryBackoffMax), t.config.Random.Float64())
	if f.source.keepsOrder() {
		t.failAll(&f, pause)
	} else {
		f.source.retries.Add(stream.Retry{
			Record: f.record, Attempt: stream.After(f.attempt), Failures: f.failures, Number: f.number, ReadyAt: t.now + pause, Reason: f.text,
		})
	}
	if t.listener.RecordFailed != nil {
		info := t.recordEnd(&f)
		if !f.source.keepsOrder() {
			info.Pause = time.Duration(pause)
		}
		t.listener.RecordFailed(info)
	}
	t.answerFailed(&f)
}

// failTouching fails the trees that have been at a task whose memory is gone:
// nobody can tell whether their events there were finished (R19). Trees that were
// opened after the time at which that was heard have found the new owner.
func (t *Task) failTouching(id task.ID, why string, heardAt int64) {
	if t.ledger == nil || id == t.config.Task {
		return
	}
	p := &t.peers[id]
	p.metBefore = max(p.metBefore, heardAt+1)
	t.metBefore = max(t.metBefore, heardAt+1)
	bit := touch(id)
	var failed []acker.Ref
	t.ledger.Each(func(tree *acker.Tree[rooted]) bool {
		if tree.Touched&bit != 0 && tree.Data.source != nil && tree.Data.opened <= heardAt {
			failed = append(failed, tree.Ref)
		}
		return true
	})
	for _, ref := range failed {
		// One that fails may have closed others with it.
		if tree := t.ledger.Find(ref); tree != nil {
			t.treeFailed(tree, why, byWorld)
		}
	}
}

// expire fails the trees whose time is up.
func (t *Task) expire() {
	for _, topo := range t.topology {
		if topo.plan.ExactlyOnce {
			t.expireGroups(topo)
		}
		timeout := topo.options.TreeTimeout
		for t.phase == running && len(topo.deadlines) > 0 && topo.deadlines[0].opened+int64(timeout) <= t.now {
			due := topo.deadlines[0]
			topo.deadlines = topo.deadlines[1:]
			if tree := t.ledger.Find(due.tree); tree != nil && tree.Data.source != nil {
				t.treeFailed(tree, "tree not complete within "+timeout.String(), byWorld)
			}
		}
	}
}

// nextDeadline is when the topology's oldest open tree is due; trees that are
// over are skipped.
func (t *Task) nextDeadline(topo *topology) int64 {
	n := 0
	for n < len(topo.deadlines) && t.ledger.Find(topo.deadlines[n].tree) == nil {
		n++
	}
	topo.deadlines = topo.deadlines[n:]
	if len(topo.deadlines) == 0 {
		topo.deadlines = nil
		return 0
	}
	return topo.deadlines[0].opened + int64(topo.options.TreeTimeout)
}

func (t *Task) recordInfo(f *finished) RecordInfo {
	return RecordInfo{
		TaskInfo: t.info, Topology: f.source.topology.plan.Name, Source: f.source.plan.Name, Depot: f.source.plan.Depot.Name,
		Partition: t.config.Task, Offset: f.record.Offset, Attempt: int(f.attempt), Err: f.text, Trace: traceOf(f.record),
		Took: t.took(f.began), Tree: f.tree,
	}
}

// recordEnd is the same with the tasks, which costs an allocation.
func (t *Task) recordEnd(f *finished) RecordInfo {
	info := t.recordInfo(f)
	info.Tasks = eventtree.Touched(f.touched, t.config.Tasks)
	return info
}
