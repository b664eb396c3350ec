package module

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/host"
)

// Batch is a batch block of a microbatch topology: what is to be known of all records of the
// microbatch before it goes on (promises 13.08 to 13.14, 14.13). Handlers add rows to the
// block's parts, on whatever task they run:
//
//   - GroupBy makes one value per key of them, Aggregate one of all;
//   - Join brings the rows of two sides together that have a key in common;
//   - Rows keeps them on their task.
//
// When all events before the block are over, on all tasks, its parts are closed, and what
// came of them is handed to their handlers, on the task of each key. Those may write
// PStates, hop, append, and add rows to later blocks, which go on when all of that is over,
// and so forth; blocks run in the order in which they are declared. A topology's blocks
// begin when all events of its records are over.
//
// Rows and what is made of them are kept in memory, for the attempt: nothing of it is
// stored, and what a block does takes effect with the microbatch, or not at all.
//
// An event of a block has no record: if it fails, nobody knows by which record's fault. The
// microbatch is tried again; after the MaxAttempts of its sources with half of the records,
// and so on, until the one is found and put aside. Park puts aside what the event was given.
type Batch struct {
	stream *Stream
	plan   *BatchPlan
	begins []func(*Event) error
	ships  []func(*Event) // send off what was gathered here
	yields []func(*Event) // have the handlers run
	parts  int
	closes int // the round in which it takes no more rows
	reads  int // the round from which on its rows can be read
}

// Batch declares the next batch block of the topology.
func (m *Microbatch) Batch(name string) *Batch {
	s := &m.stream
	s.b.declare("batch block", name, nil)
	b := &Batch{stream: s, plan: &BatchPlan{Name: name}}
	s.plan.Batches = append(s.plan.Batches, b.plan)
	s.b.batches = append(s.b.batches, b)
	return b
}

// OnBegin has a handler run on every task when the block begins: when all events before it
// are over. It may read the Rows of the block and of those before it, and add to the block's
// other parts: a block can begin by itself, without rows that came from elsewhere. Several run
// in the order in which they are declared, as one event.
func (b *Batch) OnBegin(f func(*Event) error) {
	if f == nil {
		b.stream.b.mistake(b.thing(), "has no handler for its beginning", "pass a func(*module.Event) error")
		return
	}
	b.begins = append(b.begins, f)
}

func (b *Batch) thing() string { return fmt.Sprintf("batch block %q", b.plan.Name) }

// part adds a part to the block and returns its number.
func (b *Batch) part(words string) int {
	b.plan.Parts = append(b.plan.Parts, words)
	b.parts++
	s := b.stream.b
	s.cells++
	return s.cells - 1
}

// finish declares the rounds of the block: the beginning, what is sent to the tasks of the
// keys, and the handlers. Those of which there are none are left out.
func (b *Batch) finish() {
	if b.parts == 0 && len(b.begins) == 0 {
		b.stream.b.mistake(b.thing(), "has nothing in it", "declare a part (DeclareGroupBy, DeclareAggregate, DeclareJoin, DeclareRows) or a handler (OnBegin)")
		return
	}
	rounds := func() int { return len(b.stream.plan.Rounds) }
	b.reads = rounds() + 1
	b.closes = b.reads
	if len(b.begins) > 0 {
		b.round("begin", func(ev *Event) error {
			for _, f := range b.begins {
				if err := f(ev); err != nil {
					return err
				}
			}
			return nil
		})
		b.closes = rounds() + 1
	}
	all := func(each []func(*Event)) func(*Event) error {
		return func(ev *Event) error {
			for _, f := range each {
				f(ev)
			}
			return nil
		}
	}
	if len(b.ships) > 0 {
		b.round("parts", all(b.ships))
	}
	if len(b.yields) > 0 {
		b.round("results", all(b.yields))
	}
}

// round declares a round of the block: f runs on every task.
func (b *Batch) round(what string, f func(*Event) error) {
	var step Step[struct{}]
	DeclareStep(b.stream, &step, b.plan.Name+"-"+what, Stay[struct{}](), func(ev *Event, _ struct{}) error { return f(ev) })
	b.stream.plan.Rounds = append(b.stream.plan.Rounds, step.s.plan)
}

// collector is what the parts of blocks have in common.
type collector struct {
	batch *Batch
	name  string
	cell  int
}

// adds checks that the event may add rows.
func (c *collector) adds(ev *Event) *host.Event {
	h := c.used(ev)
	if h != nil && h.Round() >= c.batch.closes {
		h.Fail("row for %q after batch block %q was closed: declare that block behind the one whose handler adds to it", c.name, c.batch.plan.Name)
		return nil
	}
	return h
}

// used checks that the event is of the topology.
func (c *collector) used(ev *Event) *host.Event {
	h := &ev.host
	switch {
	case c.batch == nil:
		h.Fail("row for a part of a batch block that was never declared: declare it with DeclareGroupBy, DeclareAggregate, DeclareJoin or DeclareRows")
	case h.Topology != c.batch.stream.plan.ID || h.Memory == nil:
		h.Fail("row for %q of topology %q from an event of another one", c.name, c.batch.stream.plan.Name)
	default:
		return h
	}
	return nil
}
