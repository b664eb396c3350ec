// Package host is what a running handler asks of the engine, through the public
// types of package module: its view of the slot, its place in the event tree,
// and the outbox that its hops, acks and returns go into.
package host

import (
	"fmt"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Event is the engine's side of module.Event. One serves all events of a task,
// one after another.
type Event struct {
	View     *overlay.View
	Out      *Outbox
	Module   string
	Task     task.ID
	Tasks    int
	Topology int
	Scratch  []byte

	Origin wire.Origin
	Seed   uint64
	Record *depot.Record // of a source's event, else nil
	// Lasting says that the event's topology is exactly once: its hops are kept in the
	// slot until their receivers have applied them.
	Lasting bool
	// Microbatch is the id of the event's microbatch; 0: it is a stream's.
	Microbatch uint64
	// Memory is what batch blocks keep on the task for the attempt; nil in a stream.
	Memory *Memory

	// Objects are the task's own, in the order of the plan. Set by the engine.
	Objects []any

	// OpenTree gives a root event its tree when it first hops. Set by the engine.
	OpenTree func(*Event)
	// Overtime reports whether the running event has run for longer than it should. Set by
	// the engine; nil: it never does.
	Overtime func() bool
	// Shuffled draws the next task of a random round-robin. Set by the engine.
	Shuffled func() task.ID

	// Spill makes room when the running event has sent off more than Outbox.BytesMax. It
	// returns when there is, or unwinds the handler. Set by the engine.
	Spill func()

	children uint32
	column   int // bytes of the column before the payload at hand
	delta    uint64
	touched  uint64
	returns  []wire.Return

	appends     []Append
	appendBytes int
	kept        []func()
	yields      []uint64
}

// Begin prepares for running one event.
func (e *Event) Begin(origin wire.Origin, seed uint64, record *depot.Record) {
	e.Origin, e.Seed, e.Record = origin, seed, record
	e.children, e.delta, e.touched = 0, 0, 0
	e.returns = nil
	e.appends, e.appendBytes = nil, 0
	e.kept, e.yields = nil, nil
}

// Yield says that a part of the event is to come, as an event that it sends to its own task:
// events of the key's hash wait for it. 0: it has no key.
func (e *Event) Yield(key uint64) { e.yields = append(e.yields, key) }

// Yields are the keys of the parts that are to come.
func (e *Event) Yields() []uint64 { return e.yields }

// Column returns the column for payloads of a step on their way to a task. The
// caller adds one and then calls Hop.
func (e *Event) Column(step uint16, to task.ID, newColumn func(encode bool) wire.Column) wire.Column {
	f := e.Out.frame(to, e.kind())
	c := f.Columns[step]
	if c == nil {
		c = newColumn(e.Out.Encode)
		if e.Lasting {
			c.Refuse()
		}
		f.Columns[step] = c
	}
	e.column = c.Bytes()
	return c
}

// Hop sends off the event whose payload was just added to the column.
func (e *Event) Hop(step uint16, to task.ID, c wire.Column) { e.send(step, to, c, e.kind()) }

func (e *Event) kind() kind {
	if e.Lasting {
		return lasting
	}
	return passing
}

func (e *Event) send(step uint16, to task.ID, c wire.Column, by kind) {
	if e.Origin.Tree.ID == 0 {
		e.OpenTree(e)
	}
	seed := acker.Child(e.Seed, e.children)
	e.children++
	e.delta ^= acker.EventID(e.Origin.Tree.ID, seed)
	e.touched |= 1 << (uint(to) & 63)
	event := wire.Event{Origin: e.Origin, Seed: seed, Index: uint32(c.Len() - 1), Step: step}
	if by == lasting { // what parcels do not keep
		event.Tree.Slot, event.Attempt, event.Generation = 0, 0, nil
	}
	e.Out.add(to, event, by, eventBytes+c.Bytes()-e.column)
	if by == passing && e.Out.overfull() {
		e.Spill()
	}
}

// CallColumn returns the column for the inputs of calls of a step. The caller adds
// one and then calls Call.
func (e *Event) CallColumn(step uint16, newColumn func(encode bool) wire.Column) wire.Column {
	f := e.Out.frame(e.Task, outside)
	c := f.Columns[step]
	if c == nil {
		c = newColumn(true)
		f.Columns[step] = c
	}
	e.column = c.Bytes()
	return c
}

// Call has the call made whose input was just added to the column.
func (e *Event) Call(step uint16, c wire.Column) { e.send(step, e.Task, c, outside) }

// Return hands a value to the appender, through the root.
func (e *Event) Return(ack uint16, value []byte) {
	e.returns = append(e.returns, wire.Return{Ack: ack, Value: value})
}

// Returns are the values returned so far.
func (e *Event) Returns() []wire.Return { return e.returns }

// Hopped is the number of events sent off.
func (e *Event) Hopped() int { return int(e.children) }

// Delta is what the event's end adds to its tree: its own id and its children's.
func (e *Event) Delta() (delta, touched uint64) {
	return e.delta ^ acker.EventID(e.Origin.Tree.ID, e.Seed), e.touched
}

// Fail fails the event, whatever its handler returns.
func (e *Event) Fail(format string, args ...any) { e.View.Fail(fmt.Errorf(format, args...)) }
