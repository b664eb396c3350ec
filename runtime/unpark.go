package runtime

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// What a person decides about a parked record is carried out by the task's owner,
// as events among the others: it reads and writes the parked records like a
// PState, so an order takes effect with one commit or not at all.
//
// A retried record runs once, as soon as its source may begin one (R43, R44): behind all
// records of its partition that have run meanwhile, and not in their order. If it fails it stays parked, with the new
// reason. Where it does not hop it leaves the parked ones in the commit of its own
// effects.

// ParkedOrder is what to do with a parked record.
type ParkedOrder uint8

// The orders.
const (
	ParkedRetry ParkedOrder = iota + 1 // run it again
	ParkedSkip                         // drop it
	ParkedEdit                         // replace its value
)

// order is an order under way.
type order struct {
	Parked
	sweep *sweep // it is a piece of that, and nobody's order
	begun bool
	gone  bool // what it is about has left the parked ones, in a batch that is sealed
	found wire.ParkedRecord

	waits *micro // the topology that is to run it again, with its next microbatch
	part  *run   // of an order that the engine gives itself: the attempt that runs it
	again string // why it was put aside once more
	// number is what events of it go by in the attempt.
	number uint16
}

// field names the parked record or event that an order is about.
func (o *order) field() string {
	return wire.ParkedField(o.Topology, o.Source, o.Offset, o.Step, o.Event)
}

func (t *Task) onParked(in *Parked) { t.orders = append(t.orders, &order{Parked: *in}) }

// parkedOwner is no topology's name: no handler writes the parked records.
const parkedOwner = "$$parked"

// parkedCodec is made once: it looks at the whole type.
var parkedCodec = sync.OnceValue(func() *codec.Codec[wire.ParkedRecord] {
	leaf, err := codec.JSON[wire.ParkedRecord]()
	if err != nil {
		panic(err) // the type is ours
	}
	return &leaf
})

// parkedDecl declares the parked records as the task's views know them.
func parkedDecl(module string, id int) *overlay.Decl {
	return &overlay.Decl{Module: module, ID: id, Name: wire.ParkedName, Owner: parkedOwner, Leaf: parkedCodec()}
}

func (t *Task) parkedPath(field string) overlay.Path {
	segment := wire.Segment{Kind: wire.SegmentText, Text: field}
	return overlay.Path{Decl: t.parkedDecl}.With(segment, store.Map)
}

// drawOrders puts the orders that wait among the items to run.
func (t *Task) drawOrders() {
	for _, o := range t.orders {
		if len(t.queue.drawn) >= drawAhead {
			break
		}
		if !o.begun && !t.postponed(o) {
			o.begun = true
			t.queue.drawn = append(t.queue.drawn, item{command: o})
		}
	}
}

// postponed reports whether an order has to wait: for what becomes of what runs again, or, of
// a record of a stream, because its source may begin none now.
func (t *Task) postponed(o *order) bool {
	if t.microNamed(o.Topology) != nil {
		return t.runsAgain(o)
	}
	if t.retriedBy(o) {
		return true
	}
	if o.Order != ParkedRetry || t.finishing {
		return false
	}
	s := t.sourceFor(o.Topology, o.Source)
	return s != nil && (t.shut(s) != "" || t.throttled(s.topology))
}

// retriedBy reports whether another order has the same thing of a stream run again, and it is
// still among the parked ones: it would run twice.
func (t *Task) retriedBy(o *order) bool {
	return slices.ContainsFunc(t.orders, func(have *order) bool {
		return have != o && have.begun && !have.gone && have.Order == ParkedRetry && have.field() == o.field()
	})
}

// runOrder reads the parked record and changes it; called like a handler.
func (t *Task) runOrder(o *order) error {
	if o.sweep != nil {
		t.runSweep(o.sweep)
		return nil
	}
	if o.part != nil && o.found.Version != 0 {
		return nil // it is to be put aside
	}
	path := t.parkedPath(o.field())
	found, ok, err := overlay.Lookup[wire.ParkedRecord](t.view, &path)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("task %d has no parked record %s", t.config.Task, o.field())
	}
	o.found = found
	if o.part != nil {
		return nil
	}
	if t.runsAgain(o) {
		return errLater // a microbatch that runs it has begun meanwhile
	}
	switch o.Order {
	case ParkedSkip:
		overlay.Delete[wire.ParkedRecord](t.view, &path)
	case ParkedEdit:
		found.Text, found.Bytes = textOrBytes(o.Value)
		found.Edited = true
		if err := t.decodes(&found); err != nil {
			return &wrongValue{err}
		}
		overlay.Set(t.view, &path, &found)
	}
	return nil
}

// decodes says why what is parked is nothing that its handler takes, where that is known: a
// module without the handler does not know.
func (t *Task) decodes(p *wire.ParkedRecord) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading it panicked: %v", r)
		}
	}()
	if p.Event != "" {
		if step, ok := t.directory.Step(p.Step); ok && t.steps[step].Decodes != nil {
			return t.steps[step].Decodes(bytesOf(p.Text, p.Bytes))
		}
		return nil
	}
	if s := t.sourceNamed(p.Topology, p.Source); s != nil && s.plan.Decodes != nil {
		return s.plan.Decodes(recordOf(p))
	}
	return nil
}

var errLater = errors.New("the order has to wait")

// wrongValue says why a parked record is not given a value.
type wrongValue struct{ why error }

func (e *wrongValue) Error() string {
	return "the value is left as it was, for the new one would be parked again: " + e.why.Error()
}

// orderRan goes on after runOrder: a retried record begins, the others are done
// with their commit.
func (t *Task) orderRan(o *order, err error) {
	var wrong *wrongValue
	switch {
	case o.sweep != nil:
		t.sweepRan(o.sweep, err)
	case o.part != nil:
		t.foundParked(o, err)
	case errors.Is(err, errLater):
		o.begun = false
	case errors.As(err, &wrong):
		t.answerOrder(o, AnswerWrong, wrong.Error())
	case err != nil:
		t.answerOrder(o, AnswerFailed, err.Error())
	case o.Order != ParkedRetry:
		t.open.orders = append(t.open.orders, o)
	case t.finishing:
		t.answerOrder(o, AnswerHalted, "the task is about to end")
	case t.postponed(o):
		o.begun = false // others have begun meanwhile
	default:
		t.beginParked(o)
	}
}

// beginParked runs a parked record again.
func (t *Task) beginParked(o *order) {
	p := &o.found
	if m := t.microNamed(p.Topology); m != nil {
		if m.topology.numberOf(p.Source) < 0 {
			t.answerOrder(o, AnswerFailed, "it is of no source that the module has: what a batch block has parked, or a source that is gone, does not run again; skip it, or append it anew")
			return
		}
		o.waits, m.has = m, nil
		return
	}
	if p.Event != "" {
		t.beginParkedEvent(o)
		return
	}
	s := t.sourceNamed(p.Topology, p.Source)
	if s == nil {
		t.answerOrder(o, AnswerFailed, "the module no longer has source "+p.Source+" of topology "+p.Topology)
		return
	}
	s.topology.executing++
	attempt := min(p.Attempts+1, 1<<16-1)
	t.queue.drawn = append(t.queue.drawn, item{try: try{source: s, record: recordOf(p), attempt: uint16(attempt), order: o}})
}

// recordOf is the record that was put aside.
func recordOf(p *wire.ParkedRecord) *depot.Record {
	r := &depot.Record{Partition: p.Partition, Offset: p.Offset, Time: time.UnixMilli(p.TimeMillis), Key: bytesOf(p.KeyText, p.KeyBytes), Value: bytesOf(p.Text, p.Bytes)}
	for _, h := range p.Headers {
		r.Headers = append(r.Headers, depot.Header{Key: h.Key, Value: h.Value})
	}
	return r
}

func bytesOf(text *string, raw []byte) []byte {
	if text != nil {
		return []byte(*text)
	}
	return raw
}

// unpark removes the record of an order from the parked ones, in the batch that is
// being sealed.
func (t *Task) unpark(o *order) {
	o.gone = true
	path := t.parkedPath(o.field())
	t.bookkeep(func() { overlay.Delete[wire.ParkedRecord](t.view, &path) })
}

// bookkeep writes to the parked records outside of an event.
func (t *Task) bookkeep(write func()) {
	save := t.view.Begin()
	t.view.Owner = parkedOwner
	write()
	if err := t.view.Failure(); err != nil {
		t.halt(fmt.Errorf("parked records: %w", err))
	}
	t.view.Release(save)
}

// answerOrder tells who gave an order how it ended.
func (t *Task) answerOrder(o *order, kind AnswerKind, text string) {
	for i, have := range t.orders {
		if have == o {
			t.orders = append(t.orders[:i], t.orders[i+1:]...)
			t.effects.Answers = append(t.effects.Answers, Answer{Waiter: o.Waiter, Kind: kind, Text: text, Topology: o.Topology})
			return
		}
	}
}
