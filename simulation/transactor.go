package simulation

import (
	"bytes"
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// taskWriter is what the brokers know of a task's transactions: who opened last, and
// the position of the last one that is there.
type taskWriter struct {
	epoch    uint64
	position []byte
}

// openTopics fences off whoever has a transactor of the task, and asks for the
// position, in this order. The answer may be lost.
func (o *owner) openTopics(round uint64) {
	w := o.w
	w.after(w.between(200*microsecond, 5*millisecond), func() {
		state := w.writers[o.id]
		if state == nil {
			state = &taskWriter{}
			w.writers[o.id] = state
		}
		state.epoch++
		epoch := state.epoch
		if w.faulty(LostAppend) {
			w.after(w.between(0, giveUpAfter), func() {
				o.step(&runtime.TopicsOpened{Round: round, Err: fmt.Errorf("%w: no answer", depot.ErrUnreachable)})
			})
			return
		}
		// The position is read after the fence, and by a request of its own.
		w.after(w.between(50*microsecond, 3*millisecond), func() {
			position := bytes.Clone(state.position)
			w.after(w.between(50*microsecond, 2*millisecond), func() {
				o.epoch = epoch
				o.step(&runtime.TopicsOpened{Round: round, Position: position})
			})
		})
	})
}

// transact writes a transaction. Faults: it is refused; its answer is lost, and
// perhaps the transaction too; it arrives late.
func (o *owner) transact(txn *runtime.Transaction) {
	w, epoch := o.w, o.epoch
	done := func(err error) func() {
		return func() { o.step(&runtime.TransactionDone{Round: txn.Round, Err: err}) }
	}
	lost := fmt.Errorf("%w: no answer", depot.ErrUnknown)
	if w.faulty(RefusedAppend) {
		w.after(w.between(0, 3*millisecond), done(fmt.Errorf("%w: the brokers refused it", depot.ErrNotAppended)))
		return
	}
	delay := w.between(500*microsecond, 6*millisecond)
	late := w.faulty(LateAppend)
	if late {
		w.after(giveUpAfter, done(lost))
		delay += w.between(giveUpAfter, lateBy)
	}
	w.after(delay, func() {
		state := w.writers[o.id]
		if state.epoch != epoch {
			w.tracef("%v: a transaction is fenced off", o)
			if !late {
				w.after(w.between(50*microsecond, 2*millisecond), done(depot.ErrFenced))
			}
			return
		}
		silent := w.faulty(LostAppend)
		if silent && w.chance(500) || o.writer.ends != 0 && w.now > o.writer.ends {
			w.after(giveUpAfter, done(lost))
			return
		}
		for i := range txn.Records {
			r := &txn.Records[i]
			w.writeTopic(r.Topic, r.Record, r.Spread)
		}
		state.position = txn.Position
		w.tracef("%v wrote %d records to topics, up to %s", o, len(txn.Records), txn.Position)
		switch {
		case silent:
			w.after(giveUpAfter, done(lost))
		case !late:
			w.after(w.between(50*microsecond, 2*millisecond), done(nil))
		}
	})
}
