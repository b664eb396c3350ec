package clustertest

import (
	"strings"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Batch is what one commit covered.
type Batch struct {
	Task   task.ID
	Events []runtime.EventInfo // in their order
	// Exec: there was something to store. A batch without leaves as it is.
	Exec bool
	// Writes are what the commit holds, also the progress of the streams and what else
	// the engine keeps; no two of one element.
	Writes []Write
	// Frames are how many tasks it sent hops or acks to, itself included.
	Frames int
}

// Write is one written element, as it is stored.
type Write struct {
	// Table is the PState's name; of a nested structure with the keys that lead to it,
	// each behind a '/'. Tables of the engine begin with "$$".
	Table  string
	Field  string // the element's key, as it is stored: 42 is "b42"; "" where the PState is a value
	Value  string
	Delete bool
	// Drop: the whole table was emptied before the other writes to it; there is no
	// field.
	Drop bool
}

// String prints the write: "counts be = 1".
func (w Write) String() string {
	switch name := strings.TrimSpace(w.Table + " " + w.Field); {
	case w.Drop:
		return w.Table + " dropped"
	case w.Delete:
		return name + " deleted"
	case w.Value == "":
		return name
	default:
		return name + " = " + w.Value
	}
}

// In returns the writes to a PState, those to its nested structures included.
func (b *Batch) In(pstate string) []Write {
	var found []Write
	for _, w := range b.Writes {
		if w.Table == pstate || strings.HasPrefix(w.Table, pstate+"/") {
			found = append(found, w)
		}
	}
	return found
}

// Batches are the batches with events that were confirmed, in that order.
func (r *Recording) Batches() []Batch {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	return append([]Batch(nil), r.batches...)
}

// gathering is what a task's batches are known to hold: one gathers events while the
// commit of the one before is under way.
type gathering struct {
	open []runtime.EventInfo
	sent Batch
}

// gather adds an event to its task's open batch. k is locked.
func (k *Kit) gather(i runtime.EventInfo) {
	g := k.batches[i.TaskInfo]
	if g == nil {
		g = &gathering{}
		k.batches[i.TaskInfo] = g
	}
	g.open = append(g.open, i)
}

// take takes the open batch's events. k is locked.
func (k *Kit) take(i runtime.BatchInfo) (*gathering, Batch) {
	g := k.batches[i.TaskInfo]
	if g == nil {
		g = &gathering{}
		k.batches[i.TaskInfo] = g
	}
	b := Batch{Task: i.Task, Events: g.open, Frames: i.Frames}
	if i.Commit != nil {
		b.Exec = true
		b.Writes = writesOf(i.Commit)
	}
	g.open = nil
	return g, b
}

func (k *Kit) batchSent(i runtime.BatchInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	g, b := k.take(i)
	g.sent = b
	k.change()
	for _, r := range k.recordings {
		r.counts.Execs++
	}
}

func (k *Kit) batchCommitted(i runtime.BatchInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var b Batch
	if i.Commit == nil {
		_, b = k.take(i)
	} else if g := k.batches[i.TaskInfo]; g != nil {
		b, g.sent = g.sent, Batch{}
	}
	k.change()
	for _, r := range k.recordings {
		r.counts.Batches++
		r.batches = append(r.batches, b)
	}
}

// writesOf copies what a commit holds: its memory is used again.
func writesOf(commit *store.Batch) []Write {
	var all []Write
	for i := range commit.Changes {
		c := &commit.Changes[i]
		name := tableName(c.Table.Key)
		if c.Drop {
			all = append(all, Write{Table: name, Drop: true})
		}
		for _, w := range c.Writes {
			all = append(all, Write{Table: name, Field: strings.Clone(w.Field), Value: strings.Clone(w.Value), Delete: w.Delete})
		}
	}
	return all
}

// tableName is a table's key without the tag of its task.
func tableName(key string) string {
	_, name, _ := strings.Cut(key, "}:")
	if rest, ok := strings.CutPrefix(name, "p:"); ok {
		return strings.Clone(rest)
	}
	return "$$" + name
}
