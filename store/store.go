// Package store is the seam to where tasks keep their state: one slot per
// task, one atomic guarded commit per event batch. redisstate implements it on
// Redis; the simulator has a twin of its own. storetest is the conformance suite
// that every implementation passes.
//
// # Contract
//
// A slot holds one head ([task.Head]) and any number of tables. A table is a
// value, a map, a sorted map or a sorted set (see [Kind]); its key carries the
// slot's hash tag.
//
// Whoever wants to write takes the slot over ([Store.Take], R2), which replaces
// the head, and from then on commits through the returned [Session]. A commit
// is guarded by the head: if anyone replaced it since, nothing is written
// ([ErrFenced], R7). One session serves one task and uses one connection of its
// own (R8), so that what it has shown was all shown by one server history
// (R13). That history may be one that has ended for all others, while its server still
// answers: owners have to look from time to time ([Session.Heads], R18). A session whose call returned any error is closed and of no more use
// (R10); the caller opens another with [Store.Join] or [Store.Take].
//
// Calls of one session come from one goroutine at a time and take effect in the
// order of the calls. The methods of a Store may be called concurrently.
package store

import (
	"context"
	"errors"

	"github.com/coppice-run/coppice/task"
)

// Kind is the shape of a table.
type Kind uint8

const (
	Value     Kind = iota + 1 // one value: the field of its writes and reads is ""
	Map                       // fields with values, no order
	SortedMap                 // fields with values, in the order of the fields' bytes
	SortedSet                 // fields without values, in the order of their bytes
	Set                       // fields without values, no order
	List                      // values by their positions, and the list's bounds; see Bounds
)

// Table names one table of a slot. Both keys contain the slot's tag in braces.
type Table struct {
	Key   string // the key that holds the values, or the members of a set
	Index string // the key that holds the order of a sorted map; "" for other kinds
	Kind  Kind
}

// Slot names one task's slot.
type Slot struct {
	Tag  string // see task.Tag; without braces
	Head string // the head's key
}

// Write is one absolute change of one field. Increments do not exist here: a
// write that is applied twice must leave what one application leaves (R12).
// The strings may lie in memory that the caller uses again once the commit has
// returned.
type Write struct {
	Field  string
	Value  string // ignored by Delete and by tables without values
	Delete bool
}

// Change is what a commit does to one table. Drop comes before the writes.
type Change struct {
	Table  Table
	Drop   bool // empty the whole table first, in time that does not grow with it
	Writes []Write
}

// Batch is one commit: all of it or nothing.
type Batch struct {
	Head    task.Head // the new head: its token is the session's, its number the next one
	Changes []Change  // each table at most once
	Level   Level     // where it must be before Commit returns nil
}

// Open adds an empty change for a table. It uses the memory of an earlier batch
// again; a change that is put into Changes in another way would later share its
// Writes with whoever still holds them.
func (b *Batch) Open(t Table) *Change {
	n := len(b.Changes)
	if n == cap(b.Changes) {
		b.Changes = append(b.Changes, Change{Table: t})
		return &b.Changes[n]
	}
	b.Changes = b.Changes[:n+1]
	c := &b.Changes[n]
	c.Table, c.Drop, c.Writes = t, false, c.Writes[:0]
	return c
}

// ReadKind says what a Read asks for.
type ReadKind uint8

const (
	Get   ReadKind = iota + 1 // one field's value; of a set: whether it holds the field
	Len                       // the number of fields; of a List: of its elements
	Range                     // fields in order, and their values if the kind has them; of sorted kinds a Span, of a List a Part, of a Map Span{}: all of it at once, in any order
	Walk                      // some fields of a Map with their values, and where to go on; see Read.Field
)

// Span is a part of an ordered table, by the bytes of its fields. The zero Span
// is everything. ElementsMax and BytesMax bound one answer of Range, but for a Map.
type Span struct {
	Low, High         string // bounds; used if HasLow, HasHigh
	HasLow, HasHigh   bool
	LowOpen, HighOpen bool // whether the bound itself is left out
	Reverse           bool // from high to low
	Limit             int  // at most so many elements; 0 means ElementsMax
}

// Part is a part of a List: the positions from From to before To, both counted from
// the list's first element if FromFirst is set. What of it lies outside of the list's
// stored bounds is left out. An answer has at most ElementsMax elements and BytesMax
// bytes.
type Part struct {
	From, To  int64
	FromFirst bool
	Reverse   bool // from high to low
	Limit     int  // elements at most, 0: no limit of its own; what is behind it is not More
}

// Limits of one Range answer (design.md section 7): beyond them More is set
// and the caller goes on behind the last field.
const (
	ElementsMax = 1000
	BytesMax    = 1 << 20
)

// Element is one field of a Range answer.
type Element struct {
	Field string
	Value string
}

// Read is one question to a slot and, once answered, its answer.
type Read struct {
	Table Table
	Kind  ReadKind
	// Field is the field of Get. Of Walk it is where to go on: "" at first, then the Value of the
	// answer before, until that is "". Whoever walks to the end on one connection sees each field
	// that was there all the time, some perhaps twice; Span.Limit is about how many at a time.
	Field string
	Span  Span // of Range
	Part  Part // of Range of a List

	Found    bool      // Get: the field is there
	Value    string    // Get: its value
	Count    int       // Len
	Elements []Element // Range
	More     bool      // Range: a limit of the answer, not the span, ended it
}

// Memory is how much memory a server uses, of how much it may.
type Memory struct {
	Address   string
	UsedBytes int64
	MaxBytes  int64 // 0: no limit
}

// Percent is how full it is; 0 without a limit.
func (m Memory) Percent() int {
	if m.MaxBytes <= 0 {
		return 0
	}
	return int(m.UsedBytes * 100 / m.MaxBytes)
}

// Errors of a commit. Implementations wrap them with the task's tag, the
// server's address and the cause.
var (
	// ErrFenced: the head was replaced, or the guard broke for another reason
	// (nil EXEC). Nothing was written (R5).
	ErrFenced = errors.New("fenced: another owner has taken the slot, or the guard broke")
	// ErrLost: the reply did not arrive. The commit may have been applied, may
	// still be, or not: only the head on a new connection tells (R11).
	ErrLost = errors.New("reply lost: the commit may or may not be applied")
	// ErrRefused: the server refused the whole commit and wrote nothing: out of
	// memory, read only, loading, slot on the move (R10, R44).
	ErrRefused = errors.New("refused by the server, nothing written")
	// ErrCorrupt: some command of the commit failed after others took effect.
	// The slot no longer holds what its head says; the task halts (R12).
	ErrCorrupt = errors.New("commit partly applied: the slot holds data of another type")
)

// Store opens sessions on slots and answers reads of committed data.
type Store interface {
	// Check looks at the server's configuration and returns an error, naming the
	// address and the mend, where a task must not run on it: unreachable, an
	// eviction policy that deletes state, no transactions allowed.
	Check(ctx context.Context) error

	// CheckLevel looks whether the servers can reach a level. An error says what is
	// missing, and the mend; warnings what it will cost.
	CheckLevel(ctx context.Context, level Level) (warnings []string, err error)

	// Memory tells how full the server is that holds a slot. It is cheap to ask often.
	Memory(ctx context.Context, slot Slot) (Memory, error)

	// Take replaces the slot's head by the given one, whoever holds it, and
	// returns a session that guards it together with the head that was there
	// (zero if none). It is never re-sent: after an error the caller comes again
	// with a new token (R2).
	Take(ctx context.Context, slot Slot, head task.Head) (Session, task.Head, error)

	// Join opens a session on a slot without taking it: to settle a lost reply
	// (R11). Session.Head tells what the new connection sees.
	Join(ctx context.Context, slot Slot) (Session, error)

	// Read answers reads of committed data of one slot, all of one moment, and
	// returns the head of that moment (the zero head if every read is a Get and
	// the implementation saved itself the look).
	Read(ctx context.Context, slot Slot, reads []Read) (task.Head, error)

	// Close closes what the store holds; sessions are closed by their owners.
	Close() error
}

// Session is one connection on one slot.
type Session interface {
	// Head is the head as this connection last saw or wrote it.
	Head() task.Head
	// Lineage is that of the connection, read when it was opened.
	Lineage() task.Lineage
	// Commit writes the batch under the guard and arms the guard again, in one
	// round trip. On nil the head is the batch's, and the batch has reached its
	// level. Above Applied Commit waits for that as long as it takes, unless it finds,
	// looking every few seconds as Heads does, that the slot has another master; once the
	// batch is written, any error is ErrLost (R40, R41).
	Commit(ctx context.Context, batch *Batch) error
	// Read answers reads on the session's connection, behind its last commit.
	Read(ctx context.Context, reads []Read) error
	// Heads reads the heads of other slots: those on the same server over this
	// session's connection (R13), the others from their own server (R15).
	//
	// Where the session's own slot is among them, Heads also finds out anew which server
	// is the slot's master, by a way that does not lead through a former one: the
	// configured address is dialled once more, the other nodes of a cluster are asked. If
	// that is not the session's server any more, the session is over, with ErrLost:
	// its server may go on answering for ever, and whatever is written there is lost
	// (R18). Where it cannot be found out, the session goes on.
	Heads(ctx context.Context, slots []Slot) ([]task.Head, error)
	// Close drops the connection. It may be called at any time, from any
	// goroutine, and more than once; a call under way then returns ErrLost.
	Close() error
}
