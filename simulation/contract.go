package simulation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// What an engine owes its driver and its users beside the data: checked while it runs.

// contract is what is known of one owner's engine.
type contract struct {
	sending   task.Mark // of the commit under way
	confirmed task.Mark // the newest commit that the engine knows of
	regressed bool      // it said in this step that its slot went back
	finishing bool      // it was asked to finish where nothing fails
	done      map[sourceName]map[int64]bool
	readings  map[string]uint64 // by depot: the last order to read
}

type sourceName struct{ topology, source string }

// about is called around each input of an engine.
func (c *contract) about(o *owner, in runtime.Input, step func()) {
	taken, _ := in.(*runtime.Taken)
	c.regressed = false
	step()
	switch in := in.(type) {
	case *runtime.CommitDone:
		if in.Err == nil {
			c.confirmed = c.sending
		}
	case *runtime.Taken:
		if in.Err != nil {
			return
		}
		// R11: a slot that went back is not passed over in silence.
		if p := taken.Previous; p.Token == c.confirmed.Token && !p.Token.IsZero() && p.Number < c.confirmed.Number && !c.regressed {
			o.w.violate("%v found its slot at commit %d, had commit %d confirmed, and said nothing", o, p.Number, c.confirmed.Number)
		}
		c.confirmed = task.Mark{}
	}
}

// carriedOut looks at what an engine asks for.
func (c *contract) carriedOut(o *owner, e *runtime.Effects) {
	if e.Commit != nil {
		c.sending = e.Commit.Head.Mark
	}
	for _, f := range e.Feeds {
		if f.Order != runtime.FeedFrom {
			continue
		}
		if f.Generation <= c.readings[f.Depot] {
			o.w.violate("%v begins reading %d of depot %s after reading %d: what an earlier one delivers cannot be told from it", o, f.Generation, f.Depot, c.readings[f.Depot])
		}
		if c.readings == nil {
			c.readings = map[string]uint64{}
		}
		c.readings[f.Depot] = f.Generation
	}
	if e.Finished {
		c.checkFinished(o)
	}
	if e.Commit != nil && o.w.quiet && !c.finishing && numbersAttempt(e.Commit, o.w.tags[o.id]) && o.w.chance(300) {
		c.finishing = true
		o.w.after(o.w.between(0, millisecond), func() { o.w.finishInPeace(o) })
	}
}

// numbersAttempt reports whether a commit announces an attempt.
func numbersAttempt(b *store.Batch, tag string) bool {
	for _, c := range b.Changes {
		if c.Table == wire.AttemptsTable(tag) && slices.ContainsFunc(c.Writes, func(w store.Write) bool { return !w.Delete }) {
			return true
		}
	}
	return false
}

// finishTime is how long an owner may take to finish what it has begun where nothing
// fails.
const finishTime = 10 * second

// finishInPeace has an owner finish, and another one follow it, while there are no
// faults: it gets there.
func (w *world) finishInPeace(o *owner) {
	if !o.alive || w.owners[o.id] != o || w.result.Halts > 0 {
		return // or its records may need a task that has halted
	}
	w.tracef("%v is to finish", o)
	o.finished = func() {
		if w.owners[o.id] == o {
			w.hire(o.id)
		}
	}
	o.step(&runtime.Finish{})
	w.after(finishTime, func() {
		if o.alive && w.owners[o.id] == o && w.result.Halts == 0 {
			w.violate("%v was to finish %d s ago, and has not", o, finishTime/second)
		}
	})
}

// note hears of a record that is done.
func (c *contract) note(i *runtime.RecordInfo) {
	name := sourceName{i.Topology, i.Source}
	if c.done == nil {
		c.done = map[sourceName]map[int64]bool{}
	}
	if c.done[name] == nil {
		c.done[name] = map[int64]bool{}
	}
	c.done[name][i.Offset] = true
}

// rewound hears of records that run again.
func (c *contract) rewound(i *runtime.RewoundInfo) {
	done := c.done[sourceName{i.Topology, i.Source}]
	for offset := range done {
		if offset >= i.Offset {
			delete(done, offset)
		}
	}
}

// checkFinished holds what an engine that has finished did against the progress in
// the slot: a graceful hand-over repeats nothing (R3).
func (c *contract) checkFinished(o *owner) {
	if o.conn == nil {
		return
	}
	tag := o.w.tags[o.id]
	tables := o.conn.history.slot(tag).tables
	for name, done := range c.done {
		if o.w.keepsOrder(name) {
			continue // its new owner runs again what had finished out of order
		}
		text := tables[wire.ProgressTable(tag, name.topology).Key][name.source]
		stored, err := progress.Parse(text)
		for offset := range done {
			if err != nil || !stored.Done(offset) {
				o.w.violate("%v has finished, and the record at offset %d, which is done, runs again: the progress of %s is %q", o, offset, name.topology, text)
				return
			}
		}
	}
}

// keepsOrder reports whether a source retries all after.
func (w *world) keepsOrder(name sourceName) bool {
	for _, s := range w.plan.Streams {
		for _, p := range s.Sources {
			if s.Name == name.topology && p.Name == name.source {
				return p.Retry == module.RetriesAllAfter
			}
		}
	}
	return false
}

// checkFailure sees that an event's error is one that its handler has returned, a rejection
// or its request to park among them, or a panic: nothing that the engine makes up fails an
// event of a module that makes no mistakes.
func (w *world) checkFailure(o *owner, i *runtime.EventInfo) {
	if _, strange := w.workload.(*usersCase); strange || i.Err == nil {
		return
	}
	_, own := errors.AsType[handlerError](i.Err)
	rejected, parked := module.OutcomeOf(i.Err)
	if rejected || parked && (own || w.config.Workload.FewAttempts) {
		return // none but handlers reject; the engine parks what has used its attempts up
	}
	var panicked *runtime.PanicError
	if errors.Is(i.Err, errSpoiled) || errors.As(i.Err, &panicked) && panicked.Value == errSpoiled.Error() {
		return
	}
	var spill *runtime.SpillError
	if errors.As(i.Err, &spill) && w.allowed[FullDisk] {
		return
	}
	if !w.config.Workload.Fails || !own && !errors.As(i.Err, &panicked) {
		w.violate("%v: %s of task %d offset %d failed, and its handler did not ask for it: %v", o, i.Step, i.RootTask, i.Offset, i.Err)
	}
}

// numbered is an attempt whose number was in the slot before it ran.
type numbered struct {
	task          task.ID
	field, number string
}

// checkAttempt sees that no two attempts fail under one number: each that fails counts
// toward MaxAttempts (R20). A server that lost writes has lost numbers, too.
func (w *world) checkAttempt(o *owner, i *runtime.EventInfo) {
	var spill *runtime.SpillError
	if !i.Root || i.Err == nil || w.lost || o.conn == nil || errors.As(i.Err, &spill) {
		return
	}
	if rejected, parked := module.OutcomeOf(i.Err); rejected || parked {
		return // that counts for nothing, and comes again if its commit is lost
	}
	tag := w.tags[o.id]
	s := o.conn.history.slot(tag)
	if s.head.Token != o.contract.confirmed.Token {
		return // it has been replaced: the numbers are another's
	}
	field := fmt.Sprintf("%s/%s/%d", i.Topology, i.Step, i.Offset)
	number, ok := s.tables[wire.AttemptsTable(tag).Key][field]
	if !ok {
		return
	}
	a := numbered{o.id, field, number}
	if w.failed == nil {
		w.failed = map[numbered]bool{}
	}
	if w.failed[a] {
		w.violate("%v: attempt %s at the record at offset %d of source %s failed twice, and counts once", o, number, i.Offset, i.Step)
	}
	w.failed[a] = true
}

// checkEffects has a workload look, at the moment at which an engine answers that a
// record is done, whether it is. A server that was replaced may have lost what its
// successor shows.
func (w *world) checkEffects(a *appended, answer runtime.Answer) {
	c, ok := w.workload.(interface {
		effects(r pstate.Reader, number int) error
	})
	if !ok || answer.Kind != runtime.AnswerDone || w.replaced || a.mistakable() {
		return
	}
	if err := c.effects(w.present(), a.number); err != nil {
		w.violate("record %d (task %d offset %d) was acked before it was done: %v", a.number, a.task, a.offset, err)
	}
}
