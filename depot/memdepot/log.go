// Package memdepot keeps depots in memory: a depot.Log for tests and for
// simulations. It starts no goroutine and reads no clock but the one it is given:
// the same calls in the same order give the same offsets, times and topic ids.
//
// Append calls done before it returns. Poll with a context that has ended still
// delivers what is there, so a single thread can drive everything. [Log.Cut],
// [Log.Truncate], [Log.Recreate] and [Log.Skip] do what retention, an unclean
// election, an operator and transactions do to real topics (T20, T22, T23, T25).
package memdepot

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// Errors of this package.
var (
	// ErrClosed: the log or the reader was closed before the call.
	ErrClosed = errors.New("closed")
	// ErrNoTopic: the topic does not exist; Ensure or Make makes it.
	ErrNoTopic = depot.ErrNoTopic
	// ErrNoPartition: the topic has no partition of that number.
	ErrNoPartition = errors.New("no such partition")
)

// Log is a depot.Log in memory. All methods may be called from any goroutine.
type Log struct {
	clock func() time.Time
	gap   int64

	mu      sync.Mutex
	closed  bool
	made    uint64 // topics made so far, the source of their ids
	topics  map[string]*topic
	meta    map[string][]fact
	writers map[depot.TransactorID]*writer
	changed chan struct{} // closed at the next change; nil while nobody waits
}

type topic struct {
	spec       depot.TopicSpec
	id         [16]byte
	partitions []*partition
	foreign    bool // no depot
}

var _ depot.Log = (*Log)(nil)

// Option changes how a log behaves.
type Option func(*Log)

// Gaps leaves n offsets unused behind every record, as transaction markers do
// (T25). Default 0.
func Gaps(n int) Option { return func(l *Log) { l.gap = int64(n) } }

// New returns an empty log whose append times are clock's, cut to milliseconds;
// nil means time.Now. The clock is called while the log is locked: it must not
// call the log.
func New(clock func() time.Time, options ...Option) *Log {
	if clock == nil {
		clock = time.Now
	}
	l := &Log{clock: clock, topics: map[string]*topic{}, meta: map[string][]fact{}}
	for _, o := range options {
		o(l)
	}
	return l
}

// Check fails only on a closed log, with ErrUnreachable.
func (l *Log) Check(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("%w: the log in memory is %w", depot.ErrUnreachable, ErrClosed)
	}
	return ctx.Err()
}

// Ensure makes the topic of a depot, or checks the one that exists.
func (l *Log) Ensure(ctx context.Context, spec depot.TopicSpec) (depot.Topic, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := depot.TopicName(spec.Module, spec.Depot)
	if err := l.usable(ctx, name); err != nil {
		return depot.Topic{}, err
	}
	if spec.Partitions < 1 {
		return depot.Topic{}, fmt.Errorf("topic %s: a topic has at least 1 partition, not %d", name, spec.Partitions)
	}
	t, ok := l.topics[name]
	if !ok {
		t = l.make(spec)
		l.topics[name] = t
	}
	if len(t.partitions) != spec.Partitions {
		return depot.Topic{}, fmt.Errorf("%w: topic %s has %d partitions, and the module has %d tasks; start it with %d tasks, or under another name",
			depot.ErrWrongPartitions, name, len(t.partitions), spec.Partitions, len(t.partitions))
	}
	return depot.Topic{Name: name, ID: t.id, Partitions: len(t.partitions)}, nil
}

// make makes a topic with an id that no topic of this log had before.
func (l *Log) make(spec depot.TopicSpec) *topic {
	l.made++
	t := &topic{spec: spec, partitions: make([]*partition, spec.Partitions)}
	binary.BigEndian.PutUint64(t.id[8:], l.made)
	for i := range t.partitions {
		t.partitions[i] = newPartition(int32(i))
	}
	return t
}

// Topics lists the depots that exist, sorted by name.
func (l *Log) Topics(ctx context.Context, module string) ([]depot.TopicSpec, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "listing topics"); err != nil {
		return nil, err
	}
	var specs []depot.TopicSpec
	for _, t := range l.topics {
		if !t.foreign && (module == "" || t.spec.Module == module) {
			specs = append(specs, t.spec)
		}
	}
	slices.SortFunc(specs, func(a, b depot.TopicSpec) int {
		return cmp.Compare(depot.TopicName(a.Module, a.Depot), depot.TopicName(b.Module, b.Depot))
	})
	return specs, nil
}

// Reader returns a reader without assignments. It ends with the log.
func (l *Log) Reader(ctx context.Context) (depot.Reader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "making a reader"); err != nil {
		return nil, err
	}
	return &reader{log: l}, nil
}

// CommittedReader is Reader: the records of a transaction come when it is committed.
func (l *Log) CommittedReader(ctx context.Context) (depot.Reader, error) { return l.Reader(ctx) }

// Close ends the log and wakes every Poll. Closing again does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
	return nil
}

// usable reports why a call cannot be served. The log is locked.
func (l *Log) usable(ctx context.Context, what string) error {
	if l.closed {
		return fmt.Errorf("%s: the log in memory is %w", what, ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// find looks a partition up. The log is locked.
func (l *Log) find(name string, number int32) (*topic, *partition, error) {
	t, ok := l.topics[name]
	if !ok {
		return nil, nil, fmt.Errorf("%w: %s; Ensure makes it", ErrNoTopic, name)
	}
	if number < 0 || int(number) >= len(t.partitions) {
		return nil, nil, fmt.Errorf("%w: topic %s has partitions 0 to %d, not %d", ErrNoPartition, name, len(t.partitions)-1, number)
	}
	return t, t.partitions[number], nil
}

// wake ends the waiting of every Poll. The log is locked.
func (l *Log) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// change returns a channel that the next change closes. The log is locked.
func (l *Log) change() <-chan struct{} {
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}
