package module

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Event is what a handler runs on: all code between two hops, on one task. It
// is a pstate.Writer for the PStates of its topology on its task. It is valid
// only inside the handler and only in the handler's goroutine.
type Event struct{ host host.Event }

// StateView is for package pstate.
func (ev *Event) StateView() *overlay.View { return ev.host.View }

// StateWriter is for package pstate.
func (ev *Event) StateWriter() {}

// Now is the append time of the record, by the broker's clock, in milliseconds:
// the same on each attempt and in every event of the tree. Events of batch blocks descend
// from no record: theirs is that of the latest record of the microbatch on the task where the
// event, or the one that sent it, began; 1970 where there was none.
func (ev *Event) Now() time.Time { return time.UnixMilli(ev.host.Origin.Time) }

// Offset is the record's offset in its depot partition; -1 in events of batch blocks.
func (ev *Event) Offset() int64 {
	if ev.host.Origin.Source == wire.NoSource {
		return -1
	}
	return ev.host.Origin.Offset
}

// Attempt is 1 when the record is processed for the first time.
func (ev *Event) Attempt() int { return int(ev.host.Origin.Attempt) }

// MicrobatchID is the number of the microbatch that the event belongs to: 1, 2, 3 and so
// on, the same at each attempt (promise 14.18). In an event of a stream there is none, and
// the call fails the event.
func (ev *Event) MicrobatchID() uint64 {
	if ev.host.Microbatch == 0 {
		ev.host.Fail("MicrobatchID: the event belongs to a stream, which has no microbatches")
	}
	return ev.host.Microbatch
}

// Task is the task that the event runs on.
func (ev *Event) Task() task.ID { return ev.host.Task }

// Tasks is the number of tasks of the module.
func (ev *Event) Tasks() int { return ev.host.Tasks }

// ID is an id of this event that is the same on each attempt; in handlers of batch blocks
// the order of the keys may be another one, and the ids with it.
func (ev *Event) ID() uuid.UUID { return idOf(ev.host.Seed) }

func idOf(seed uint64) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], seed)
	binary.BigEndian.PutUint64(id[8:], ^seed*0x9e3779b97f4a7c15)
	id[6] = id[6]&0x0f | 0x80 // version 8: made by a rule of our own
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Random returns a source of random numbers that are the same on each attempt.
func (ev *Event) Random() *rand.Rand { return rand.New(rand.NewPCG(ev.host.Seed, 0)) }

// NewEvent returns an event for the engine to run handlers on.
func NewEvent() *Event { return &Event{} }

// HostOf is the engine's side of an event.
func HostOf(ev *Event) *host.Event { return &ev.host }
