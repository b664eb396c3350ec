// Package depot is the seam to the durable, partitioned input logs. kafkadepot
// implements it on Kafka topics; memdepot has them in memory. depottest
// is the conformance suite that every implementation passes.
//
// # Contract
//
// A depot of a module with N tasks is a topic with N partitions; task i reads
// partition i. Records of one partition have growing offsets; gaps are allowed
// (transaction markers). A record that was appended at level [Replicated] is
// kept for ever: depots have no retention unless the operator trims them.
//
// A [Reader] reads by direct assignment from positions that the caller keeps;
// it commits nothing anywhere. It never jumps: a position outside the log, a
// log that was cut below a position, or a topic that was deleted and made again
// is a fault of that partition ([Fault]), never silence; the other partitions
// go on.
package depot

import (
	"context"
	"errors"
	"time"
	"unsafe"
)

// TopicName is the name of the topic that a depot lives in. Module and depot
// names contain no dots, so it can be read back.
func TopicName(module, depot string) string { return "coppice." + module + "." + depot }

// TopicSpec says which topic a depot lives in. TopicName gives its name.
type TopicSpec struct {
	Module     string
	Depot      string
	Partitions int
}

// Topic is a topic that exists and fits its spec.
type Topic struct {
	Name       string
	ID         [16]byte // changes when the topic is deleted and made again (T23)
	Partitions int
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Record is one entry of a depot partition. Its slices are read only and may
// be kept.
type Record struct {
	Partition   int32
	LeaderEpoch int32
	Offset      int64
	Time        time.Time // append time, by the broker's clock, in milliseconds
	Key         []byte    // partition bytes of the record's key; nil for random depots
	Value       []byte
	Headers     []Header
}

// Position is where reading of one partition starts: the offset of the next
// record, and the leader epoch of the one before it, or of a later one that was read
// (-1 if unknown), by which a truncated log is recognised (T20).
type Position struct {
	Topic       string
	TopicID     [16]byte // zero: unknown, not checked
	Partition   int32
	Offset      int64
	LeaderEpoch int32
	// Reached is the offset behind the last record that was read before, where that
	// lies beyond Offset; 0: unknown. A log that ends before it, when reading starts, was
	// truncated. Whether records below it are those that were read, only their leader
	// epochs tell.
	Reached int64
}

// Level says what an append waits for.
type Level uint8

const (
	Replicated Level = iota // all in-sync replicas have the record
	None                    // nothing: the call returns at once, the error goes to no one
)

// Limits of one record.
const (
	// RecordBytesMax bounds key, value and headers of one record together. The
	// topic's max.message.bytes is above it by the overhead of a batch.
	RecordBytesMax = 4 << 20
)

// RecordBytes is what RecordBytesMax bounds.
func RecordBytes(r *Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// MemoryBytes is how much memory records take, about: what is in them, and they themselves.
func MemoryBytes(records []Record) int {
	n := len(records) * int(unsafe.Sizeof(Record{}))
	for i := range records {
		n += RecordBytes(&records[i]) + len(records[i].Headers)*int(unsafe.Sizeof(Header{}))
	}
	return n
}

// Errors. Implementations wrap them with the topic and the address.
var (
	// ErrTooLarge: the record exceeds RecordBytesMax; it was not sent.
	ErrTooLarge = errors.New("record too large")
	// ErrNotAppended: the record is certainly not in the log.
	ErrNotAppended = errors.New("not appended")
	// ErrUnknown: whether the record is in the log is not known.
	ErrUnknown = errors.New("append outcome unknown")
	// ErrWrongPartitions: the topic has another number of partitions than the
	// module has tasks.
	ErrWrongPartitions = errors.New("topic has the wrong number of partitions")
	// ErrOutOfRange: the position lies outside the log; records were lost to
	// retention, deletion or truncation (T20, T22).
	ErrOutOfRange = errors.New("position outside the log")
	// ErrRecreated: the topic is not the one that the position belongs to (T23).
	ErrRecreated = errors.New("topic was deleted and made again")
	// ErrUnreachable: no broker answered.
	ErrUnreachable = errors.New("kafka unreachable")
	// ErrDenied: the log lets nobody in who comes like this, or the user lacks a right.
	// The text says what to do; it does not pass by itself.
	ErrDenied = errors.New("access denied")
)

// Log is one broker cluster.
type Log interface {
	// Check tries to reach the brokers and says which address did not answer.
	Check(ctx context.Context) error

	// Ensure creates the topic of a depot if it does not exist (append time by the
	// broker, no retention, records up to RecordBytesMax) and checks it if it does.
	Ensure(ctx context.Context, spec TopicSpec) (Topic, error)

	// Topics lists the depots that exist, of one module or of all (module "").
	Topics(ctx context.Context, module string) ([]TopicSpec, error)

	// Modules lists the modules of which something is known, by name: those that have put
	// facts, also without a depot.
	Modules(ctx context.Context) ([]string, error)

	// Append writes one record to a partition and calls done exactly once with
	// its offset, from any goroutine: with the level Replicated when all in-sync
	// replicas have it, with None at once and offset -1. It blocks only while
	// the producer's buffer is full. Records of one caller to one partition keep
	// their order.
	Append(ctx context.Context, topic string, partition int32, record Record, level Level, done func(offset int64, err error))

	// Lookup finds a topic by its name, a depot's or any other. ErrNoTopic: there is
	// none.
	Lookup(ctx context.Context, topic string) (Topic, error)

	// Transactor opens the transactor of a task and fences off those that are open; it
	// returns the position of the task's last transaction, nil if there never was one.
	Transactor(ctx context.Context, id TransactorID) (t Transactor, position []byte, err error)

	// Bounds returns the first offset of a partition and the one behind its last.
	Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error)

	// Trim deletes the records of a partition below an offset, at most up to its end, for
	// good; what is gone already stays so. ErrOutOfRange: the partition ends before it.
	Trim(ctx context.Context, topic string, partition int32, below int64) error

	// OffsetAfter returns the offset of the first record appended after t, or the
	// partition's end if there is none.
	OffsetAfter(ctx context.Context, topic string, partition int32, t time.Time) (int64, error)

	// Reader returns a reader without assignments.
	Reader(ctx context.Context) (Reader, error)
	// CommittedReader is Reader for topics that others write: records of transactions
	// that were aborted are left out, and those of open ones, and what lies behind them,
	// wait.
	CommittedReader(ctx context.Context) (Reader, error)

	// PutMeta and Meta keep small facts about a module (its plan, resolved start
	// positions, options) in the module's compacted topic, latest value per key. A
	// nil value removes the key.
	PutMeta(ctx context.Context, module, key string, value []byte) error
	Meta(ctx context.Context, module string) (map[string][]byte, error)
	// WatchMeta delivers the facts about a module that are there, the latest of each
	// key, and then those that are put, in their order, until ctx ends; it returns
	// ctx's error then, and another if it cannot go on. A removed key has a nil
	// value.
	WatchMeta(ctx context.Context, module string, deliver func(key string, value []byte)) error

	Close() error
}

// Reader reads many partitions by direct assignment. Assign, Unassign, Pause
// and Resume may be called from any goroutine while Poll blocks in another.
type Reader interface {
	// Assign starts reading at the positions, all of them or none. ErrOutOfRange and
	// ErrRecreated say that a position is wrong for good. Any other error may pass, such
	// as that a leader is being elected: the caller tries again.
	Assign(positions ...Position) error
	Unassign(topic string, partition int32)
	// Pause stops the delivery of a partition; records fetched before may still
	// be delivered once. Resume ends it.
	Pause(topic string, partition int32)
	Resume(topic string, partition int32)
	// Poll blocks until there is something to deliver or ctx ends, and calls
	// deliver once for each partition that has records or a fault: at most
	// recordsMax records in all, 0 for as many as there are.
	Poll(ctx context.Context, recordsMax int, deliver func(Delivery)) error
	Close() error
}

// Delivery is what one partition has to say: records in order, or a fault that
// ends its assignment. The slice Records is the receiver's to keep.
type Delivery struct {
	Topic     string
	Partition int32
	Records   []Record
	Fault     error // wraps ErrOutOfRange, ErrRecreated, …
}
