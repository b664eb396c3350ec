package depot

import (
	"context"
	"errors"
)

// Errors of transactions and of topics that are no depots.
var (
	// ErrFenced: another transactor of the same task was opened since; this one's
	// transaction left nothing.
	ErrFenced = errors.New("fenced off by another transactor of the task")
	// ErrNoTopic: there is no topic of the name.
	ErrNoTopic = errors.New("no such topic")
)

// TransactorID names whose transactions they are.
type TransactorID struct {
	Module string
	Task   int32
	Tasks  int // of the module
}

// TopicRecord is a record on its way to any topic.
type TopicRecord struct {
	Topic     string
	Partition int32
	Record    Record // key, value and headers
}

// PositionBytesMax bounds a position.
const PositionBytesMax = 1 << 10

// Transactor writes records to topics in transactions, each with a position: a few
// bytes that say up to where the task has written. The next transactor of the task
// sees a position if and only if readers with read_committed see the records of its
// transaction, now or ever (R30).
//
// Opening a transactor fences off those of the same task that were open: what they
// had under way is in the topics by then, whole, or never will be. After an error a
// transactor is of no more use; the position that the next one finds tells whether
// the transaction that failed is there.
type Transactor interface {
	// Write writes all records, those of one partition in their order, and the
	// position; or nothing. Errors: ErrFenced; ErrNotAppended, certainly nothing; any
	// other: not known. One call at a time.
	Write(ctx context.Context, records []TopicRecord, position []byte) error
	// Close gives the transactor up. It fences nobody off.
	Close() error
}
