package wire

import (
	"unsafe"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/task"
)

// Origin is what an event knows of the record that it descends from.
type Origin struct {
	Tree    acker.Ref
	Root    task.ID // the task at which the tree is tracked
	Source  uint16  // the source within the topology; NoSource: it is no record's
	Attempt uint16  // 1 for the first
	Offset  int64   // of the record; with NoSource the round of the microbatch
	Time    int64   // append time of the record, milliseconds since 1970
	Trace   *Trace  // nil if the record is not traced
	// Generation is the run of the source that the event belongs to, of sources
	// that retry all after (R21): the root's token and a number that grows. Else nil.
	Generation *task.Mark
}

// NoSource is the source of events that descend from no record: those of batch blocks.
const NoSource uint16 = 1<<16 - 1

// Trace is a W3C trace context.
type Trace struct {
	Parent string // traceparent
	State  string // tracestate
}

// Sampled reports whether a trace is recorded, as its flags say. Of nil it is not.
func (t *Trace) Sampled() bool {
	if t == nil || len(t.Parent) != 55 {
		return false
	}
	switch digit := t.Parent[54]; {
	case digit <= '9':
		return digit&1 == 1
	default:
		return digit&1 == 0 // b, d, f
	}
}

// Event is one event on its way. Its payload is element Index of the frame's
// column for its step.
type Event struct {
	Origin
	Seed  uint64
	Index uint32
	Step  uint16
}

// Outcome says how the events behind an ack ended.
type Outcome uint8

const (
	Done     Outcome = iota
	Failed           // retry the record
	Rejected         // a handler refused the record: no retry, the appender hears of it
	Parked           // a handler took the record out of the stream
	Skipped          // never begun: too many records were under way (promise 3.90); not in acks
	Undone           // retry the record, and no handler is to blame: what its event did, or that it came, is undone
)

// Ack reports finished events of one tree to its root. Acks with an outcome
// other than Done, or with returns, carry More.
type Ack struct {
	Tree    acker.Ref
	Delta   uint64
	Touched uint64
	More    *AckMore
}

// AckMore is the rare part of an ack.
type AckMore struct {
	Outcome Outcome
	Text    string
	Step    string // the step whose handler said so
	Returns []Return
}

// Return is one value that a handler returns to the appender.
type Return struct {
	Ack   uint16 `json:"ack"` // the declared ack, within its topology
	Value []byte `json:"value"`
}

// Frame is what one task sends to another after a commit: the events and acks
// of one batch. Number orders the frames of a pair of tasks within one
// ownership period of the sender.
type Frame struct {
	From, To task.ID
	Number   uint64
	Sender   task.Mark // the sender's head at the moment of sending (R14)
	Replaced task.Mark // what the sender's ownership period replaced (R3)
	Lineage  task.Lineage
	Events   []Event
	Columns  []Column // by step; nil where the frame has no events of it
	Acks     []Ack

	// Of exactly-once topologies: the stored forms of parcels, how far the sender has
	// got with the receiver's, and what whoever waits may want to know.
	Parcels []string
	Receipt *Receipt
	Notices []Notice
	// Opened are the parcels as they were before they were stored, or nil, each beside
	// its stored form, and Words the directory that their numbers are of. They are for a
	// receiver in the same process, which need not parse then, and are not encoded.
	Opened []*Parcel
	Words  Directory

	// Of microbatches: what their coordinator and the tasks say to each other.
	Micros []Micro

	// Kept says that one of its events waits apart from the others: the frame is not used
	// again. It does not travel.
	Kept bool
}

// Empty reports whether the frame says nothing but who sends it.
func (f *Frame) Empty() bool {
	return len(f.Events) == 0 && len(f.Acks) == 0 && len(f.Micros) == 0 && !f.Lasting()
}

// Stray is the first of its events whose tree is at a task that a module of so many tasks does not
// have; nil: there is none. Acks of such an event have nobody to go to.
func (f *Frame) Stray(tasks int) *Event {
	for i := range f.Events {
		if e := &f.Events[i]; int(e.Root) >= tasks {
			return e
		}
	}
	return nil
}

// Lasting reports whether the frame carries anything of exactly-once topologies.
func (f *Frame) Lasting() bool { return len(f.Parcels) > 0 || f.Receipt != nil || len(f.Notices) > 0 }

// Bytes is about how much memory the frame takes.
func (f *Frame) Bytes() int64 {
	n := int(unsafe.Sizeof(*f)) + len(f.Events)*int(unsafe.Sizeof(Event{})) + len(f.Acks)*int(unsafe.Sizeof(Ack{}))
	for _, c := range f.Columns {
		if c != nil {
			n += c.Bytes()
		}
	}
	for _, raw := range f.Parcels {
		n += len(raw)
	}
	for _, p := range f.Opened {
		if p != nil {
			n += int(p.Frame.Bytes())
		}
	}
	return int64(n)
}

// Reset empties the frame and keeps its memory.
func (f *Frame) Reset() {
	columns, events, acks := f.Columns, f.Events, f.Acks
	for _, c := range columns {
		if c != nil {
			c.Reset()
		}
	}
	clear(events)
	clear(acks)
	*f = Frame{Columns: columns, Events: events[:0], Acks: acks[:0]} // receivers keep the rest
}
