package runtime

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// What an event of a source that keeps its order, or that does not retry, is
// checked for before it runs.
//
//   - All after (R21): its generation must be the newest that this task has heard
//     of from that source. The newest stands in the slot, in the commit with the
//     first effects that it had; in memory alone, a new owner of the target would
//     let an old run write last.
//   - None (promise 3.59): the sender's commit must be there. Where a server has
//     lost it, the record runs again, and this event would be its second effect.

// generationKey names a source as its targets know it.
type generationKey struct {
	root     task.ID
	topology int
	source   uint16
}

// current reports whether an event of another task's record is to run; alive is
// false when the coroutine ends meanwhile.
func (t *Task) current(it *item) (run, alive bool) {
	e := &it.frame.Events[it.index]
	topology := t.steps[e.Step].TopologyID()
	source, ok := t.plan.Streams[topology].Source(e.Source)
	if !ok {
		return true, true // of a source that this version does not have
	}
	switch source.Retry {
	case module.RetriesAllAfter:
		return t.newest(generationKey{e.Root, topology, e.Source}, e.Generation)
	case module.RetriesNone:
		if it.frame.From == t.config.Task || it.frame.Lineage.Same(t.lineage) || t.peers[it.frame.From].shown.Covers(it.frame.Sender) {
			return true, true
		}
		alive = t.look(it.frame.From)
		return alive && t.peers[it.frame.From].shown.Covers(it.frame.Sender), alive
	}
	return true, true
}

// newest compares an event's generation with the newest known.
func (t *Task) newest(key generationKey, g *task.Mark) (run, alive bool) {
	if g == nil {
		return false, true // sent by an earlier version, under other rules
	}
	if key.root == t.config.Task {
		own := t.sourceBy(key)
		return own != nil && *own.generation == *g, true
	}
	have, known := t.generations[key]
	if known && have.Token == g.Token {
		if g.Number > have.Number {
			t.adopt(key, *g)
		}
		return g.Number >= have.Number, true
	}
	if known {
		// Another owner of the root: newer than the one known, or what is left of an
		// older. The head says who owns the root now.
		if !t.look(key.root) {
			return false, false
		}
		if t.peers[key.root].shown.Token != g.Token {
			return false, true
		}
	}
	t.adopt(key, *g)
	return true, true
}

// sourceBy finds a source of this task.
func (t *Task) sourceBy(key generationKey) *source {
	for _, s := range t.topology[key.topology].sources {
		if s.plan.ID == int(key.source) {
			return s
		}
	}
	return nil
}

// adopt notes the newest generation, in the commit that holds its first effects.
func (t *Task) adopt(key generationKey, g task.Mark) {
	t.generations[key] = g
	if t.open == nil {
		t.open = t.newBatch()
	}
	t.open.note(wire.GenerationsTable(t.config.Tag), store.Write{Field: t.generationField(key), Value: g.String()})
}

// look waits until the head of a task was read on this task's connection, after
// this moment. It returns false when the coroutine ends.
func (t *Task) look(id task.ID) bool {
	t.wanted, t.looking = id, wanted
	t.askHeads()
	t.co.waiting = true
	if !t.co.yield(struct{}{}) {
		return false
	}
	t.co.waiting = false
	return true
}

// looking is how far a look at a head has come.
type looking uint8

const (
	notLooking looking = iota
	wanted             // to be asked for with the next question
	looked             // the question is under way
)

func (t *Task) generationField(key generationKey) string {
	stream := t.plan.Streams[key.topology]
	return stream.Name + "/" + stream.SourceName(key.source) + "/" + key.root.String()
}

// loadGenerations reads the newest generations that the slot knows.
func (t *Task) loadGenerations(elements []store.Element) error {
	for _, e := range elements {
		mark, err := task.ParseMark(e.Value)
		if err != nil {
			return fmt.Errorf("stored generation %s: %w", e.Field, err)
		}
		if key, ok := t.generationOf(e.Field); ok {
			t.generations[key] = mark
		}
	}
	return nil
}

// generationOf reads the name of a generation; not ok where the module no longer
// has the source.
func (t *Task) generationOf(field string) (generationKey, bool) {
	parts := strings.Split(field, "/")
	if len(parts) != 3 {
		return generationKey{}, false
	}
	root, err := strconv.Atoi(parts[2])
	if err != nil || root < 0 || root >= t.config.Tasks {
		return generationKey{}, false
	}
	for i, stream := range t.plan.Streams {
		if stream.Name != parts[0] {
			continue
		}
		if source, ok := stream.SourceNumber(parts[1]); ok {
			return generationKey{task.ID(root), i, source}, true
		}
	}
	return generationKey{}, false
}
