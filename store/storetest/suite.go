// Package storetest is the conformance suite of package store: every
// implementation of store.Store passes it.
//
// The suite may run many times and in parallel on one shared server: each subtest
// has slots of its own. It leaves its keys behind.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// patience bounds a subtest.
const patience = 30 * time.Second

// Harness is a store and what can be done to it from outside.
type Harness struct {
	Store store.Store
	// Split makes another server the master of every slot, with all that the present
	// one holds. The former goes on answering those who are connected with it, and knows
	// nothing of it. Nil: the subtests that need it are skipped.
	Split func(ctx context.Context) error
}

// Run runs the suite on the stores that open returns; it is called once for each
// subtest and registers the store's end with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, group := range [][]subtest{ownershipCases, commitCases, readCases, rangeCases, splitCases} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				h := open(t)
				c.run(&bench{T: t, ctx: ctx, store: h.Store, split: h.Split, slot: newSlot()})
			})
		}
	}
}

// subtest is one property of a store.
type subtest struct {
	name string
	run  func(b *bench)
}

// bench is what a subtest works with: a store and a slot of its own.
type bench struct {
	*testing.T
	ctx   context.Context
	store store.Store
	split func(ctx context.Context) error // of the harness; may be nil
	slot  store.Slot
}

// newSlot names a slot that no other subtest uses.
func newSlot() store.Slot {
	var id [6]byte
	_, _ = rand.Read(id[:])
	tag := "storetest." + hex.EncodeToString(id[:])
	return store.Slot{Tag: tag, Head: "{" + tag + "}:head"}
}

func (b *bench) table(name string, kind store.Kind) store.Table {
	t := store.Table{Key: "{" + b.slot.Tag + "}:p:" + name, Kind: kind}
	if kind == store.SortedMap {
		t.Index = "{" + b.slot.Tag + "}:i:" + name
	}
	return t
}

// head is commit n of an owner.
func head(owner byte, n uint64) task.Head {
	return task.Head{Mark: task.Mark{Token: task.Token{owner, 0xff}, Number: n}, Address: "worker.example:7411"}
}

// take takes the bench's slot.
func (b *bench) take(owner byte) (store.Session, task.Head) {
	b.Helper()
	s, previous, err := b.store.Take(b.ctx, b.slot, head(owner, 0))
	if err != nil {
		b.Fatalf("taking the slot: %v", err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s, previous
}

// commit writes changes as commit n of an owner and expects success.
func (b *bench) commit(s store.Session, h task.Head, changes ...store.Change) {
	b.Helper()
	if err := s.Commit(b.ctx, &store.Batch{Head: h, Changes: changes}); err != nil {
		b.Fatalf("commit %v: %v", h.Mark, err)
	}
}

// put is a change that writes pairs of field and value.
func put(t store.Table, pairs ...string) store.Change {
	c := store.Change{Table: t}
	for i := 0; i < len(pairs); i += 2 {
		c.Writes = append(c.Writes, store.Write{Field: pairs[i], Value: pairs[i+1]})
	}
	return c
}

// get reads one field over the pooled connections.
func (b *bench) get(t store.Table, field string) (string, bool) {
	b.Helper()
	reads := []store.Read{{Table: t, Kind: store.Get, Field: field}}
	b.read(reads)
	return reads[0].Value, reads[0].Found
}

func (b *bench) read(reads []store.Read) task.Head {
	b.Helper()
	h, err := b.store.Read(b.ctx, b.slot, reads)
	if err != nil {
		b.Fatalf("reading: %v", err)
	}
	return h
}

// wantField checks one field.
func (b *bench) wantField(t store.Table, field, value string, there bool) {
	b.Helper()
	if got, found := b.get(t, field); got != value || found != there {
		b.Errorf("%s, field %.30q: %.30q, there %v; want %.30q, there %v", t.Key, field, got, found, value, there)
	}
}

// wantLen checks the number of fields.
func (b *bench) wantLen(t store.Table, want int) {
	b.Helper()
	reads := []store.Read{{Table: t, Kind: store.Len}}
	b.read(reads)
	if reads[0].Count != want {
		b.Errorf("%s has %d fields, want %d", t.Key, reads[0].Count, want)
	}
}
