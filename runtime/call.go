package runtime

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// A call to the outside is an event that the driver runs, beside the task: it begins
// when the commit of the event that started it is confirmed, and when it returns, an
// event of the task takes the result. In an exactly-once topology the call stands in
// the slot in between, so that a later owner makes it again; the commit of the event
// that takes its result removes it. Of other topologies it is a part of the tree, and
// is lost with the task's memory as that is.

// Call asks the driver for a call: run the step's function with the frame's only
// event, beside the task, and answer with CallDone. The frame is only read meanwhile.
type Call struct {
	ID    uint64
	Step  uint16
	Seed  uint64 // of the event: module.CallID is made of it
	Input wire.Column
}

// call is a call under way.
type call struct {
	id       uint64
	frame    *wire.Frame // of one event
	try      try         // of an order about a parked call; else zero
	lasting  bool        // it stands in the slot
	failures int
	readyAt  int64 // when it is made again
	result   []byte
	err      error
}

// calls are a task's calls under way.
type calls struct {
	last     uint64 // number; not used again by later connections
	all      map[uint64]*call
	queued   []*call // wait for room
	resting  []*call // wait for another attempt
	returned []*call // their events are to run
	running  int
}

func (c *calls) forget() { *c = calls{last: c.last, all: map[uint64]*call{}} }

func (t *Task) newCall(f *wire.Frame) *call {
	t.calls.last++
	e := &f.Events[0]
	c := &call{id: t.calls.last, frame: f, lasting: t.plan.Streams[t.steps[e.Step].TopologyID()].ExactlyOnce}
	t.calls.all[c.id] = c
	return c
}

// takeCalls has the batch that is being sealed hold the calls that its events start.
func (t *Task) takeCalls(b *batch) {
	if t.host.Out == nil {
		return
	}
	t.host.Out.TakeCalls(func(f *wire.Frame) {
		for i := range f.Events {
			e := f.Events[i]
			column := t.steps[e.Step].NewColumn(true)
			raw, err := f.Columns[e.Step].AppendEncoded(nil, int(e.Index))
			if err != nil {
				t.halt(fmt.Errorf("starting call %s: %w", t.steps[e.Step].Name, err)) // it was encoded before
				return
			}
			column.Add(raw)
			e.Index = 0
			one := &wire.Frame{From: t.config.Task, To: t.config.Task, Events: []wire.Event{e}, Columns: make([]wire.Column, len(t.steps))}
			one.Columns[e.Step] = column
			c := t.newCall(one)
			b.calls = append(b.calls, c)
			if c.lasting {
				t.storeCall(b, c)
			}
		}
	})
}

// storeCall keeps a call in the slot, in the form of a parcel of one event.
func (t *Task) storeCall(b *batch, c *call) {
	head := wire.ParcelHead{Number: 1, ID: wire.ParcelID{Mark: task.Mark{Token: t.head.Token, Number: t.head.Number + 1}}}
	raw, _, _, err := t.hops.pack.Pack(nil, head, c.frame, 0, nil, 0)
	if err != nil {
		t.halt(err)
		return
	}
	b.note(wire.CallsTable(t.config.Tag), store.Write{Field: c.field(), Value: string(raw)})
}

func (c *call) field() string { return wire.GroupField(c.frame.Events[0].Seed) }

// loadCalls takes over the calls that the slot holds; they are made again.
func (t *Task) loadCalls(elements []store.Element) error {
	for _, e := range elements {
		p, err := wire.ParseParcel(e.Value, t.config.Task, t.config.Task, t.directory)
		if err == nil && len(p.Frame.Events) != 1 {
			err = fmt.Errorf("it holds %d events", len(p.Frame.Events))
		}
		if err != nil {
			return fmt.Errorf("stored call %s: %w", e.Field, err)
		}
		t.calls.queued = append(t.calls.queued, t.newCall(p.Frame))
	}
	return nil
}

// beginCalls makes calls that wait, as far as there is room.
func (t *Task) beginCalls() {
	for i := 0; i < len(t.calls.resting); {
		c := t.calls.resting[i]
		if c.readyAt > t.now {
			i++
			continue
		}
		t.calls.resting = append(t.calls.resting[:i], t.calls.resting[i+1:]...)
		t.calls.queued = append(t.calls.queued, c)
	}
	for t.calls.running < t.options.MaxCallsPerTask {
		i := t.nextToMake()
		if i < 0 {
			break
		}
		c := t.calls.queued[i]
		t.calls.queued = slices.Delete(t.calls.queued, i, i+1)
		t.calls.running++
		e := &c.frame.Events[0]
		t.effects.Calls = append(t.effects.Calls, Call{ID: c.id, Step: e.Step, Seed: e.Seed, Input: c.frame.Columns[e.Step]})
	}
}

// onCallDone has the event run that takes a call's result.
func (t *Task) onCallDone(in *CallDone) {
	c := t.calls.all[in.ID]
	if c == nil || t.phase != running {
		return // of a connection that was given up
	}
	t.calls.running--
	c.result, c.err = in.Result, in.Err
	t.calls.returned = append(t.calls.returned, c)
}

// drawCalls draws the events of calls that have returned.
func (t *Task) drawCalls() {
	for len(t.calls.returned) > 0 && len(t.queue.drawn) < drawAhead {
		c := t.calls.returned[0]
		t.calls.returned = t.calls.returned[1:]
		t.queue.drawn = append(t.queue.drawn, item{try: c.try, frame: c.frame, outside: c})
	}
}

// lastingCall reports whether an item takes the result of a call that stands in the
// slot.
func (it *item) lastingCall() bool { return it.outside != nil && it.outside.lasting && it.order == nil }

// callEnded books the event that took a call's result, or ends the call otherwise:
// delta is what its group is told.
func (t *Task) callEnded(c *call, delta uint64, note *wire.Note) {
	t.ackEvent(delta, note)
	t.open.note(wire.CallsTable(t.config.Tag), store.Write{Field: c.field(), Delete: true})
	delete(t.calls.all, c.id)
}

// callFailed has a call made again, or ends it.
func (t *Task) callFailed(it *item, outcome wire.Outcome, err error) {
	c := it.outside
	if outcome == wire.Failed {
		c.failures++
		if c.failures < t.attemptsMax(it) {
			options := &t.topology[t.host.Topology].options
			c.readyAt = t.now + stream.Backoff(uint16(c.failures+1), int64(options.RetryBackoff), int64(options.RetryBackoffMax), t.config.Random.Float64())
			t.calls.resting = append(t.calls.resting, c)
			t.tellFailure(it, c.failures, err)
			return
		}
		outcome = wire.Parked
	}
	note := t.endNote(it, outcome, err, c.failures)
	h := t.host
	t.callEnded(c, acker.EventID(h.Origin.Tree.ID, h.Seed), &note)
}

// nextCall is when a call is made again.
func (t *Task) nextCall(earlier func(int64)) {
	for _, c := range t.calls.resting {
		earlier(c.readyAt)
	}
}
