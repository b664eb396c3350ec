package telemetry

import (
	"container/list"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

// treeKey names a record in a source.
type treeKey struct {
	module, topology, source string
	partition                task.ID
	offset                   int64
}

// spot is where a record is, in whichever depot: nearly always that is one tree.
type spot struct {
	partition task.ID
	offset    int64
}

func (k *treeKey) at() spot { return spot{k.partition, k.offset} }

// keptTree is what is kept of one. Some of it may be on other workers.
type keptTree struct {
	key    treeKey
	tree   eventtree.Tree
	known  bool // tree is: its record is of a task of this worker
	events []eventtree.Event
	lost   bool // some events were not kept
	place  *list.Element
	next   *keptTree // of the same spot
}

// of finds what is kept of a tree, or makes room for it.
func (k *Trees) of(key treeKey, depot string) *keptTree {
	if t := k.find(&key); t != nil {
		k.recent.MoveToFront(t.place)
		return t
	}
	t := &keptTree{}
	if k.recent.Len() >= k.config.Records { // the oldest gives its room
		t = k.recent.Back().Value.(*keptTree)
		k.remove(t)
		k.recent.MoveToFront(t.place)
	} else {
		t.place = k.recent.PushFront(t)
	}
	// Whoever asks gets copies of attempts and events, so that their room can be used again.
	if cap(t.events) > roomKept {
		t.events = nil
	}
	clear(t.events)
	clear(t.tree.Attempts)
	*t = keptTree{key: key, next: k.kept[key.at()], place: t.place, events: t.events[:0], tree: eventtree.Tree{
		Record:   eventtree.Record{Module: key.module, Depot: depot, Partition: key.partition, Offset: key.offset},
		Topology: key.topology, Source: key.source, Task: key.partition, State: eventtree.Open, Attempts: t.tree.Attempts[:0],
	}}
	k.kept[key.at()] = t
	return t
}

// find finds what is kept of a tree; nil: nothing is.
func (k *Trees) find(key *treeKey) *keptTree {
	t := k.kept[key.at()]
	for t != nil && t.key != *key {
		t = t.next
	}
	return t
}

// remove takes a tree from those that are found.
func (k *Trees) remove(t *keptTree) {
	first := k.kept[t.key.at()]
	if first != t {
		for first.next != t {
			first = first.next
		}
		first.next = t.next
	} else if t.next != nil {
		k.kept[t.key.at()] = t.next
	} else {
		delete(k.kept, t.key.at())
	}
}

// roomKept is for how many events the room of a tree is used again.
const roomKept = 16

func (t *keptTree) copied(worker string) eventtree.Tree {
	tree := t.tree
	tree.Worker, tree.Complete = worker, !t.lost
	tree.Attempts = append([]eventtree.Attempt(nil), tree.Attempts...)
	return tree
}
