package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// A topology may ask that an event that fails takes its batch with it
// (topology.stream.fail.whole.batch, promise 3.63). A batch then holds events of that
// topology alone. If one fails, nothing of the batch takes effect, and the records of
// all its events are tried again: of those that ran before it, and of those that were
// drawn to run behind it.
//
// Who did not fail is not to blame: only the event that failed counts toward
// MaxAttempts (R20). An event that rejected or parked its record stands by that.

// whole is what a batch keeps that fails as one.
type whole struct {
	topology *topology
	save     overlay.Savepoint // the view without the batch
	ran      []ran
}

// ran is an event of such a batch.
type ran struct {
	item
	tree acker.Ref
	// ended is how it ended, if not well.
	ended *wire.AckMore
}

// isRoot reports whether an item is a record of a source.
func (it *item) isRoot() bool { return it.source != nil && it.frame == nil }

// wholeOf returns the topology of an item, if its batches fail as one.
func (t *Task) wholeOf(it *item) *topology {
	var topo *topology
	switch {
	case it.command != nil:
		return nil
	case it.isRoot():
		topo = it.source.topology
	default:
		topo = t.topology[t.steps[it.frame.Events[it.index].Step].TopologyID()]
	}
	if !topo.options.FailWholeBatch || topo.plan.ExactlyOnce || topo.micro != nil {
		return nil // durable hops hold their channel instead (R28)
	}
	return topo
}

// noteWhole notes whether any topology's batches fail as one.
func (t *Task) noteWhole() {
	t.anyWhole = false
	for _, topo := range t.topology {
		t.anyWhole = t.anyWhole || topo.options.FailWholeBatch
	}
}

// apart reports whether the next event does not belong into the open batch.
func (t *Task) apart() bool {
	b := t.open
	if b.over {
		return true
	}
	if !b.begun || !t.anyWhole && b.whole == nil {
		return false
	}
	it, ok := t.queue.peek(0)
	if !ok {
		return false
	}
	var mine *topology
	if b.whole != nil {
		mine = b.whole.topology
	}
	return t.wholeOf(it) != mine
}

// enter has the first event of a batch say what kind it is.
func (t *Task) enter(it *item) {
	b := t.open
	if b.begun {
		return
	}
	b.begun = true
	if !t.anyWhole {
		return
	}
	if topo := t.wholeOf(it); topo != nil {
		b.whole = &whole{topology: topo, save: t.view.Begin()}
	}
}

// ranWhole keeps an event of a batch that fails as one, or fails those kept with it.
func (t *Task) ranWhole(it *item, err error) {
	w := t.open.whole
	if w == nil {
		return
	}
	if t.open.over {
		t.failMates(it, err)
		return
	}
	r := ran{item: *it, tree: t.host.Origin.Tree}
	if err != nil {
		r.ended = &wire.AckMore{Outcome: outcomeOf(err), Text: err.Error(), Step: t.stepName(it)}
	}
	w.ran = append(w.ran, r)
}

// closeWhole keeps the writes of a batch that is being sealed.
func (t *Task) closeWhole(b *batch) {
	if b.whole != nil && !b.over {
		t.view.Release(b.whole.save)
	}
	b.whole = nil
}

// failsWhole reports whether an event that failed takes the open batch with it.
func (t *Task) failsWhole(err error) bool {
	return t.open.whole != nil && outcomeOf(err) == wire.Failed
}

// takeBackBatch takes back all that the open batch did.
func (t *Task) takeBackBatch() {
	b := t.open
	t.view.Rollback(b.whole.save)
	t.host.Out.Discard()
	b.batchAppends.reset()
	b.over = true
	clear(b.followed)
	b.followed = b.followed[:0]
}

// failMates fails the events of a batch that is taken back, but for the one that failed
// by itself.
func (t *Task) failMates(it *item, err error) {
	w := t.open.whole
	text := fmt.Sprintf("in one batch with an event that failed: %s of the record at offset %d of task %d: %v", t.stepName(it), t.host.Origin.Offset, t.host.Origin.Root, err)
	t.blame(it, err)
	back := map[*source]int64{} // where sources that keep their order go back to
	for i := range w.ran {
		t.failMate(&w.ran[i], text, back)
	}
	others := len(w.ran) + t.failDrawn(w.topology, text, back)
	for _, s := range w.topology.sources {
		if to, ok := back[s]; ok && to < s.begun {
			t.rewind(s, to, int64(s.topology.options.RetryBackoff))
		}
	}
	if t.listener.BatchFailed != nil {
		t.listener.BatchFailed(BatchFailedInfo{TaskInfo: t.info, Topology: w.topology.plan.Name, Step: t.stepName(it), Err: err, Others: others})
	}
}

// blame fails the tree of the event that failed, if it is one of this task's whose source
// keeps its order: the others take that source back at once, and its ack, which says that
// this attempt counts, would find no tree any more. The record would have the same number
// for ever, and fail for ever.
func (t *Task) blame(it *item, err error) {
	if it.isRoot() {
		return // failed already
	}
	e := &it.frame.Events[it.index]
	if e.Root != t.config.Task {
		return // its ack is before those of the others
	}
	if tree := t.ledger.Find(e.Tree); tree != nil && tree.Data.source != nil && tree.Data.source.keepsOrder() {
		t.treeFailed(tree, "step "+t.stepName(it)+": "+err.Error(), byHandler)
	}
}

// failMate fails an event that ran before the one that failed.
func (t *Task) failMate(r *ran, text string, back map[*source]int64) {
	switch {
	case !r.isRoot() && r.ended != nil:
		t.ackUndone(&r.item, r.ended)
	case !r.isRoot():
		t.ackUndone(&r.item, &wire.AckMore{Outcome: wire.Undone, Text: text, Step: t.stepName(&r.item)})
	case r.ended != nil: // its record is put aside, with this batch
	case r.source.keepsOrder() && r.order == nil:
		goBack(back, &r.try)
	case t.forgetRoot(r):
		t.attemptFailed(finished{try: r.try, outcome: wire.Failed, text: text}, byWorld)
	}
}

// ackUndone tells the root of an event that what it did is undone: only the event
// itself ends, its children are no more.
func (t *Task) ackUndone(it *item, more *wire.AckMore) {
	e := &it.frame.Events[it.index]
	t.host.Out.Ack(e.Root, e.Tree, acker.EventID(e.Tree.ID, e.Seed), 0, more)
}

// forgetRoot takes back what the open batch holds of a root event that ended well. It
// reports whether there was anything: its tree may have failed meanwhile.
func (t *Task) forgetRoot(r *ran) bool {
	b := t.open
	same := func(it *try) bool { return it.source == r.source && it.record == r.record && it.order == r.order }
	if r.tree.ID == 0 {
		for i := range b.finished {
			if f := &b.finished[i]; same(&f.try) {
				b.finished = append(b.finished[:i], b.finished[i+1:]...)
				return true
			}
		}
		return false
	}
	tree := t.ledger.Find(r.tree)
	if tree == nil {
		return false
	}
	t.ledger.Close(tree)
	if r.source.dropsFailures() {
		delete(r.source.passed, r.record.Offset)
		for i := range b.passed {
			if same(&b.passed[i]) {
				b.passed = append(b.passed[:i], b.passed[i+1:]...)
				break
			}
		}
	}
	return true
}

// failDrawn fails the events that were drawn to run behind the one that failed, as far
// as the batch would have taken them, and returns how many there were.
func (t *Task) failDrawn(topo *topology, text string, back map[*source]int64) int {
	n := 0
	for ; t.open.events < t.options.MaxEventsPerBatch; n++ {
		next, ok := t.queue.peek(0)
		if !ok || t.wholeOf(next) != topo {
			break
		}
		it, _ := t.queue.pop()
		t.open.events++
		if t.isRest(&it) {
			t.rested(&it)
		}
		switch {
		case !it.isRoot():
			if it.outside != nil {
				delete(t.calls.all, it.outside.id)
			}
			t.ackUndone(&it, &wire.AckMore{Outcome: wire.Undone, Text: text, Step: t.stepName(&it)})
			t.consume(&it)
		case it.source.keepsOrder() && it.order == nil:
			topo.executing--
			t.keepAttempt(&it.try)
			goBack(back, &it.try)
		default:
			t.attemptFailed(finished{try: it.try, outcome: wire.Failed, text: text}, byWorld)
		}
	}
	return n
}

func goBack(back map[*source]int64, it *try) {
	to, ok := back[it.source]
	if !ok || it.record.Offset < to {
		back[it.source] = it.record.Offset
	}
}

// stepName is the name of an item's step or source.
func (t *Task) stepName(it *item) string {
	if it.isRoot() {
		return it.source.plan.Name
	}
	return t.steps[it.frame.Events[it.index].Step].Name
}

// isSpill reports whether an event failed because what it sent found no room.
func isSpill(err error) bool {
	_, ok := err.(*SpillError)
	return ok
}

// outcomeOf is what an event's error says of its record.
func outcomeOf(err error) wire.Outcome {
	switch rejected, parked := module.OutcomeOf(err); {
	case isSpill(err):
		return wire.Undone
	case rejected:
		return wire.Rejected
	case parked:
		return wire.Parked
	}
	return wire.Failed
}
