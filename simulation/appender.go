package simulation

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// appended is one record and what its appender knows of it.
type appended struct {
	number  int
	depot   string
	task    task.ID
	offset  int64
	acked   bool
	parked  bool   // put aside, or dropped by a source that does not retry
	dropped bool   // by that
	lost    bool   // by the log
	again   bool   // its offset was given away before
	waiter  uint64 // of the question that is open
	asks    int
	// For a program that waits.
	wake     func()
	acks     module.Acks
	rejected bool
	text     string
}

// done tells a program that waits for the record.
func (a *appended) done() {
	if a.wake != nil {
		wake := a.wake
		a.wake = nil
		wake()
	}
}

// mistakable reports whether an answer about the record may be of another one: the
// question names an offset, and until the owner hears from the log that it was given away
// again, the answer is of the record that had it first. Its task halts then.
func (a *appended) mistakable() bool { return a.lost || a.again }

// patience is how long an appender waits before it asks again.
const patience = 300 * millisecond

// SendRecord puts a record into the log; its appender asks for the outcome by
// itself. World implements module.Appender so that workloads append like
// programs.
func (w *world) SendRecord(_ context.Context, r module.Record) (module.Acks, error) {
	_, err := w.appendRecord(r)
	return module.Acks{}, err
}

// ask asks the owner of the record's task, and again if no answer comes.
func (w *world) ask(a *appended) {
	if a.acked || a.parked {
		return
	}
	w.waiter++
	a.waiter = w.waiter
	a.asks++
	waiter := a.waiter
	w.asked[waiter] = a
	o := w.owners[a.task]
	w.after(w.between(20*microsecond, 2*millisecond), func() {
		o.step(&runtime.Await{Depot: a.depot, Offset: a.offset, Waiter: waiter})
	})
	w.after(patience, func() {
		if a.waiter == waiter {
			w.ask(a)
		}
	})
}

// answered takes an answer back to the appender.
func (w *world) answered(o *owner, answer runtime.Answer) {
	a := w.asked[answer.Waiter]
	if a == nil {
		w.orderAnswered(o, answer)
		return
	}
	delete(w.asked, answer.Waiter)
	w.checkApplied(o, a, answer)
	w.checkEffects(a, answer)
	w.after(w.between(20*microsecond, 2*millisecond), func() { w.learn(o, a, answer) })
}

func (w *world) learn(o *owner, a *appended, answer runtime.Answer) {
	if a.acked || a.parked {
		return
	}
	switch answer.Kind {
	case runtime.AnswerDone:
		a.acked, a.waiter = true, 0
		w.result.Acked++
		w.tracef("record %d acked by %v", a.number, o)
		a.acks, a.text = module.AcksOf(answer.Returns), answer.Text
		if a.mistakable() {
			// Nobody may rely on what it says.
		} else if err := w.workload.Acked(a.number, a.acks); err != nil {
			w.violate("record %d: %v", a.number, err)
		}
		a.done()
	case runtime.AnswerParked, runtime.AnswerRejected:
		a.parked, a.waiter = true, 0
		a.rejected, a.text = answer.Kind == runtime.AnswerRejected, answer.Text
		w.tracef("record %d put aside: %s", a.number, answer.Text)
		a.done()
	default:
		w.tracef("record %d failed: %s", a.number, answer.Text)
		final := answer.Kind == runtime.AnswerFailed && !answer.WillRetry || answer.Kind == runtime.AnswerUnknown && !w.exactly(a.depot)
		if final && w.drops(a.depot) {
			a.parked, a.dropped, a.waiter = true, true, 0
			a.text = answer.Text
			a.done()
			return
		}
		if final {
			w.violate("record %d: answer %d %q without a retry", a.number, answer.Kind, answer.Text)
		}
		a.waiter = 0
		w.after(w.between(millisecond, patience), func() { w.ask(a) })
	}
}

// errOpen says what is not at rest.
func (w *world) errOpen() error {
	for _, a := range w.records {
		if !a.acked && !a.parked && !w.excused(a) {
			return fmt.Errorf("record %d (task %d offset %d) was not done %d s after the last fault, asked %d times", a.number, a.task, a.offset, calming/second, a.asks)
		}
	}
	for _, p := range w.programs {
		if !p.over {
			return fmt.Errorf("program %d was still waiting %d s after the last fault", p.Number, calming/second)
		}
	}
	return nil
}
