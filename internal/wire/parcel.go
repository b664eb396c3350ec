package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/task"
)

// ParcelID names a parcel: the commit that it was stored with, and its place among
// the parcels of that commit. A number alone comes back after a lost tail (R24).
type ParcelID struct {
	Mark    task.Mark
	Ordinal uint32
}

// IsZero reports whether the id names no parcel.
func (id ParcelID) IsZero() bool { return id.Mark.Token.IsZero() }

// String prints the id as "token/commit.ordinal".
func (id ParcelID) String() string { return string(id.appendText(nil)) }

func (id ParcelID) appendText(dst []byte) []byte {
	dst = append(dst, id.Mark.String()...)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, uint64(id.Ordinal), 10)
}

// ParseParcelID reads an id back.
func ParseParcelID(text string) (ParcelID, error) {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return ParcelID{}, fmt.Errorf("%q is no parcel id: it has no ordinal", text)
	}
	mark, err := task.ParseMark(text[:i])
	if err != nil {
		return ParcelID{}, err
	}
	ordinal, err := strconv.ParseUint(text[i+1:], 10, 32)
	if err != nil {
		return ParcelID{}, fmt.Errorf("%q is no parcel id: %w", text, err)
	}
	return ParcelID{mark, uint32(ordinal)}, nil
}

// ParcelHead is how a parcel stands in its channel, the parcels from one task to
// another (R24).
type ParcelHead struct {
	Number uint64 // 1 is the first that the pair ever had
	ID     ParcelID
	Before ParcelID // of the parcel with the number before; zero of the first
}

// Parcel is what one commit of an exactly-once topology sends to a task: events,
// and acks of events that ended. It stands in the sender's slot until the receiver
// has applied it, and travels in a frame.
type Parcel struct {
	ParcelHead
	Frame *Frame // of From and To: the events and their columns
	// Unparsed: it came opened, so that its frame can be used again for such ones.
	Unparsed bool
	Acks     []GroupAck
}

// GroupAck reports finished events to the group that their records are in.
type GroupAck struct {
	Group uint64
	Delta uint64 // XOR of the ids of the events that ended and of those that they sent off
	Notes []Note
}

// Note is what the end of an event says of its record, beyond that it ended.
type Note struct {
	Offset  int64
	Outcome Outcome // Done, Rejected or Parked
	Step    string  // whose handler said so, unless Done
	Text    string
	Returns []Return
}

// ends reports whether a note may say so of an event: it is not tried again.
func (o Outcome) ends() bool { return o == Done || o == Rejected || o == Parked }

// Receipt says how far the sender of a frame has got with the parcels of the task
// that the frame goes to.
type Receipt struct {
	Number uint64 // the parcels up to this one are applied
	ID     ParcelID
	// The acks of the parcels up to AckNumber are applied, where they are ahead of the
	// events; else zero.
	AckNumber uint64
	AckID     ParcelID
	Again     bool // those behind Number are to be sent again: the task is new, or missed some
}

// Notice tells a root's task, for whoever waits there, that an event of a record
// has failed and will be tried again. It may be lost.
type Notice struct {
	Group   uint64
	Offset  int64
	Attempt int
	Step    string
	Text    string
}

// Directory translates between the numbers of steps and sources, which hold for
// one plan, and their names, which are stored.
type Directory interface {
	// StepName and SourceName name a step, and a source of the step's topology.
	StepName(step uint16) string
	SourceName(step, source uint16) string
	// Step finds a step by its name, or a name that it had.
	Step(name string) (step uint16, ok bool)
	// Source finds a source of a step's topology.
	Source(step uint16, name string) (source uint16, ok bool)
	// Stem is what the seeds of the root events of a source's partition grow from
	// (acker.Stem), of the partition with a task's number.
	Stem(step, source uint16, partition task.ID) uint64
	// Column makes the empty column of a step, for stored payloads.
	Column(step uint16) Column
}

// UnknownStepError: an event is under way to a step, or comes from a source, that no
// exactly-once stream of this version of the module has.
type UnknownStepError struct{ Step, Source string }

func (e *UnknownStepError) Error() string {
	if e.Source != "" {
		return fmt.Sprintf("an event under way comes from source %q, which no exactly-once stream of the module has any more: run the version that has it until its events are done, or declare the source again", e.Source)
	}
	return fmt.Sprintf("an event is under way to step %q, which no exactly-once stream of the module has any more: run the version that has it until its events are done, or name the step that takes its place with module.FormerName(%q)", e.Step, e.Step)
}

// ParcelEventsMax bounds the events of a parcel, and its acks; ParcelBytesMax what they
// take together. A single event or ack may be larger (R24).
const (
	ParcelEventsMax = 1000
	ParcelBytesMax  = 1 << 20
)
