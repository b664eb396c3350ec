package simulation

import (
	"fmt"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// server is a store server: the history that new connections see.
type server struct {
	name    string
	current *history
}

// history is one life of one server: a state that is the fold of the writes that
// it confirmed. A server that restarts or is replaced by its replica begins
// another one, with a prefix of those writes (R13).
type history struct {
	lineage task.Lineage
	writes  []write
	slots   map[string]*slot
	alive   bool
}

// write is one confirmed take-over or commit.
type write struct {
	slot    string
	head    task.Head
	changes []store.Change
}

// slot is the state of one slot.
type slot struct {
	head    task.Head
	version uint64 // counts the writes of the head, for WATCH
	tables  map[string]map[string]string
}

func newHistory(lineage task.Lineage) *history {
	return &history{lineage: lineage, slots: map[string]*slot{}, alive: true}
}

// successor is the history that follows this one after losing its last writes.
func (h *history) successor(lineage task.Lineage, lost int) *history {
	n := newHistory(lineage)
	for _, w := range h.writes[:len(h.writes)-lost] {
		n.apply(w)
	}
	return n
}

func (h *history) slot(tag string) *slot {
	s := h.slots[tag]
	if s == nil {
		s = &slot{tables: map[string]map[string]string{}}
		h.slots[tag] = s
	}
	return s
}

// apply carries out a write.
func (h *history) apply(w write) {
	h.writes = append(h.writes, w)
	s := h.slot(w.slot)
	s.head = w.head
	s.version++
	for i := range w.changes {
		c := &w.changes[i]
		if c.Drop {
			delete(s.tables, c.Table.Key)
		}
		table := s.tables[c.Table.Key]
		if table == nil {
			table = map[string]string{}
			s.tables[c.Table.Key] = table
		}
		for _, f := range c.Writes {
			if f.Delete {
				delete(table, f.Field)
			} else {
				table[f.Field] = f.Value
			}
		}
		if len(table) == 0 {
			delete(s.tables, c.Table.Key)
		}
	}
}

// answer answers one read.
func (s *slot) answer(r *store.Read) {
	table := s.tables[r.Table.Key]
	switch r.Kind {
	case store.Get:
		r.Value, r.Found = table[r.Field]
		if r.Table.Kind == store.SortedSet {
			r.Value = ""
		}
	case store.Len:
		r.Count = len(table)
	case store.Range:
		s.answerRange(r, table)
	default:
		panic(fmt.Sprintf("read kind %d", r.Kind))
	}
}

func (s *slot) answerRange(r *store.Read, table map[string]string) {
	span := &r.Span
	fields := slices.Sorted(maps.Keys(table))
	if span.Reverse {
		slices.Reverse(fields)
	}
	limit := store.ElementsMax
	if span.Limit > 0 {
		limit = min(limit, span.Limit)
	}
	r.Elements, r.More = nil, false
	for _, f := range fields {
		if !within(span, f) {
			continue
		}
		if len(r.Elements) == limit {
			r.More = limit != span.Limit
			return
		}
		r.Elements = append(r.Elements, store.Element{Field: f, Value: table[f]})
	}
}

func within(s *store.Span, field string) bool {
	if s.HasLow && (field < s.Low || s.LowOpen && field == s.Low) {
		return false
	}
	return !s.HasHigh || field < s.High || field == s.High && !s.HighOpen
}

// copied is a batch in memory of its own: the engine uses its own again.
func copied(changes []store.Change) []store.Change {
	out := make([]store.Change, len(changes))
	for i, c := range changes {
		out[i] = store.Change{Table: cloneTable(c.Table), Drop: c.Drop, Writes: make([]store.Write, len(c.Writes))}
		for j, f := range c.Writes {
			out[i].Writes[j] = store.Write{Field: clone(f.Field), Value: clone(f.Value), Delete: f.Delete}
		}
	}
	return out
}

func cloneTable(t store.Table) store.Table {
	return store.Table{Key: clone(t.Key), Index: clone(t.Index), Kind: t.Kind}
}

func clone(s string) string { return string([]byte(s)) }
