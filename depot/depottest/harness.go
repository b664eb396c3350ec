// Package depottest is the conformance suite of package depot: every
// implementation of depot.Log passes it.
//
//	func TestConformance(t *testing.T) {
//		depottest.Run(t, func(t *testing.T) depottest.Harness { … })
//	}
//
// The suite may run many times and in parallel on one shared cluster: each subtest
// uses a module name of its own. It assumes nothing about offsets but that they
// grow; gaps are allowed. It sleeps nowhere. It leaves its topics behind.
package depottest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// subtestTimeout bounds one subtest. An implementation that loses an event fails
// after it instead of hanging.
const subtestTimeout = 60 * time.Second

// Harness is a log and what can be done to it from outside. The hooks are
// optional: without one the subtests that need it are skipped.
type Harness struct {
	// Log is the log under test. Whoever opened it closes it after the subtest;
	// some subtests close it themselves.
	Log depot.Log
	// Other opens another client of the same cluster, which ends with the subtest.
	// Nil: Log serves. After a topic was made again the suite appends by it: whether
	// a client that appended to the old topic may append to the new one is open.
	Other func() depot.Log
	// Now is the log's clock, nil for time.Now. A broker's may differ from it by up
	// to a minute.
	Now func() time.Time
	// Tick moves the log's clock by at least a millisecond. Nil: it moves by itself.
	Tick func()
	// Cut deletes the records of a partition below an offset.
	Cut func(ctx context.Context, topic string, partition int32, belowOffset int64) error
	// Truncate deletes the records of a partition from an offset on; another leader
	// epoch goes on from there.
	Truncate func(ctx context.Context, topic string, partition int32, toOffset int64) error
	// Recreate deletes a topic and makes it again with as many partitions and the
	// same configuration. The log may hear of it a little later.
	Recreate func(ctx context.Context, topic string) error
	// Make makes a topic that is no depot.
	Make func(ctx context.Context, topic string, partitions int) error
	// Committed reads what a partition holds now for readers with read_committed.
	Committed func(ctx context.Context, topic string, partition int32) ([]depot.Record, error)
}

// Open returns a harness for one subtest and registers its end with t.Cleanup. It
// is called once for each subtest, from several goroutines.
type Open func(t *testing.T) Harness

// Run runs the suite.
func Run(t *testing.T, open Open) {
	groups := []struct {
		name  string
		cases []subtest
	}{
		{"topic", topicCases}, {"append", appendCases}, {"time", timeCases}, {"read", readCases},
		{"steer", steerCases}, {"fault", faultCases}, {"trim", trimCases}, {"meta", metaCases}, {"transact", transactCases}, {"end", endCases},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(newBench(t, open))
				})
			}
		})
	}
}

// subtest is one property of a log.
type subtest struct {
	name string
	run  func(b *bench)
}

// bench is what a subtest works with.
type bench struct {
	*testing.T
	Harness
	ctx      context.Context
	module   string    // unique
	appender depot.Log // Log, or Other after Recreate
}

func newBench(t *testing.T, open Open) *bench {
	ctx, cancel := context.WithTimeout(context.Background(), subtestTimeout)
	t.Cleanup(cancel)
	b := &bench{T: t, Harness: open(t), ctx: ctx, module: uniqueModule()}
	b.appender = b.Log
	if b.Now == nil {
		b.Now = time.Now
	}
	return b
}

// uniqueModule makes a module name that no other subtest or run has used.
func uniqueModule() string {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return "depottest-" + hex.EncodeToString(random[:])
}

// ensure makes the topic of a depot of the subtest's module.
func (b *bench) ensure(name string, partitions int) depot.Topic {
	b.Helper()
	topic, err := b.Log.Ensure(b.ctx, depot.TopicSpec{Module: b.module, Depot: name, Partitions: partitions})
	if err != nil {
		b.Fatalf("Ensure: %v", err)
	}
	return topic
}

func (b *bench) bounds(topic string, partition int32) (start, end int64) {
	b.Helper()
	start, end, err := b.Log.Bounds(b.ctx, topic, partition)
	if err != nil {
		b.Fatalf("Bounds: %v", err)
	}
	return start, end
}

// append appends one record and waits for it.
func (b *bench) append(topic string, partition int32, record depot.Record) int64 {
	b.Helper()
	offset, err := b.tryAppend(topic, partition, record)
	if err != nil {
		b.Fatalf("Append: %v", err)
	}
	return offset
}

func (b *bench) tryAppend(topic string, partition int32, record depot.Record) (int64, error) {
	b.Helper()
	return b.tryAppendAt(topic, partition, record, depot.Replicated)
}

// tryAppendAt appends at a level and waits for done.
func (b *bench) tryAppendAt(topic string, partition int32, record depot.Record, level depot.Level) (int64, error) {
	b.Helper()
	type outcome struct {
		offset int64
		err    error
	}
	done := make(chan outcome, 1)
	b.appender.Append(b.ctx, topic, partition, record, level, func(offset int64, err error) {
		select {
		case done <- outcome{offset, err}:
		default:
			b.Errorf("Append: done was called again with %d, %v", offset, err)
		}
	})
	select {
	case o := <-done:
		return o.offset, o.err
	case <-b.ctx.Done():
		b.Fatalf("Append to %s partition %d: done was not called", topic, partition)
		return 0, nil
	}
}

// appendValues appends one record for each value and returns the offsets.
func (b *bench) appendValues(topic string, partition int32, values ...string) []int64 {
	b.Helper()
	offsets := make([]int64, len(values))
	for i, v := range values {
		offsets[i] = b.append(topic, partition, depot.Record{Value: []byte(v)})
	}
	return offsets
}

// need skips the subtest if the harness lacks a hook.
func (b *bench) need(have bool, hook string) {
	b.Helper()
	if !have {
		b.Skipf("the harness has no hook %s", hook)
	}
}
