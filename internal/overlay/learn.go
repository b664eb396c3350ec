package overlay

import (
	"maps"
	"slices"

	"github.com/coppice-run/coppice/store"
)

// Several views of one task: the writes of one that are committed are learnt by the
// others, which may have cached what was there before.

// Learns has the view find its tables by their keys: it is going to Learn.
func (v *View) Learns() { v.keys = map[string]*Table{} }

// Learn takes over what another view of the task has had stored. No event is running.
func (v *View) Learn(changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	for i := range changes {
		c := &changes[i]
		t := v.keys[c.Table.Key]
		if t == nil {
			continue
		}
		for _, column := range t.columns {
			in, ok := column.(learner)
			if !ok {
				continue // no element of that type is cached
			}
			if c.Drop {
				in.learnDrop()
			}
			for j := range c.Writes {
				in.learn(&c.Writes[j])
			}
		}
		t.lenOf, t.whole = 0, false
	}
	clear(v.committed)
	clear(v.pages)
	v.pages = v.pages[:0]
}

// learner is the elements of a table, of any type.
type learner interface {
	learn(w *store.Write)
	learnDrop()
}

func (f *fields[T]) learn(w *store.Write) {
	if e := f.entries.get(w.Field); e != nil {
		e.n.flags &^= broken
		e.load(string([]byte(w.Value)), !w.Delete)
	}
}

func (f *fields[T]) learnDrop() {
	for _, e := range f.entries.sorted() {
		f.learn(&store.Write{Field: e.n.field, Delete: true})
	}
}

// KeepOnly forgets what is cached of PStates that others than the owner write, since they
// may have, and temporary ones. All that was written is sealed.
func (v *View) KeepOnly(owner string) {
	if !v.others {
		return
	}
	v.others = false
	foreign := func(t *Table) bool { return t != nil && (t.path.Decl.Owner != owner || t.light) }
	for i, t := range v.top {
		if foreign(t) {
			v.top[i] = nil
		}
	}
	for identity, t := range v.nested {
		if foreign(t) {
			delete(v.nested, identity)
		}
	}
	maps.DeleteFunc(v.keys, func(_ string, t *Table) bool { return foreign(t) })
	v.idle = slices.DeleteFunc(v.idle, foreign)
	v.cached = slices.DeleteFunc(v.cached, func(e element) bool { return foreign(e.node().table) })
	v.hand = 0
}
