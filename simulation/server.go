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
	full    bool // takes no writes
}

// history is one life of one server: a state that is the fold of the writes that
// it confirmed. A server that restarts or is replaced by its replica begins
// another one, with a prefix of those writes (R13).
type history struct {
	lineage task.Lineage
	writes  []write
	slots   map[string]*slot
	alive   bool

	// What a replica has of it: a prefix of the writes. Applied and durable are two
	// states of a write where commits ask for more than the first (R40).
	replica map[string]*slot
	durable int // writes of that prefix
	demoted bool
	waiting []waiting
}

// waiting is a command that waits for the writes before it to be durable.
type waiting struct {
	writes int
	over   func(durable bool)
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
	kinds   map[string]store.Kind // of tables that are not empty
}

func newHistory(lineage task.Lineage) *history {
	return &history{lineage: lineage, slots: map[string]*slot{}, replica: map[string]*slot{}, alive: true}
}

// successor is the history that follows this one after losing its last writes.
func (h *history) successor(lineage task.Lineage, lost int) *history {
	n := newHistory(lineage)
	for _, w := range h.writes[:len(h.writes)-lost] {
		n.apply(w)
	}
	n.replicate(len(n.writes))
	return n
}

func (h *history) slot(tag string) *slot { return slotIn(h.slots, tag) }

// safe is the state of a slot that is not lost with the server.
func (h *history) safe(tag string) *slot { return slotIn(h.replica, tag) }

func slotIn(slots map[string]*slot, tag string) *slot {
	s := slots[tag]
	if s == nil {
		s = &slot{tables: map[string]map[string]string{}, kinds: map[string]store.Kind{}}
		slots[tag] = s
	}
	return s
}

// replicate has the replica hold so many writes, and answers who waits for them.
func (h *history) replicate(writes int) {
	for h.durable < writes {
		w := &h.writes[h.durable]
		slotIn(h.replica, w.slot).apply(w)
		h.durable++
	}
	h.answerWaiting()
}

// wait calls over when all writes so far are durable, or the server is gone.
func (h *history) wait(over func(durable bool)) {
	h.waiting = append(h.waiting, waiting{len(h.writes), over})
	h.answerWaiting()
}

func (h *history) answerWaiting() {
	all := h.waiting
	h.waiting = nil
	for _, w := range all {
		if h.alive && h.durable < w.writes {
			h.waiting = append(h.waiting, w)
		} else {
			w.over(h.durable >= w.writes)
		}
	}
}

// end ends the history: whoever waits will have no answer.
func (h *history) end() {
	h.alive = false
	h.answerWaiting()
}

// apply carries out a write.
func (h *history) apply(w write) {
	h.writes = append(h.writes, w)
	h.slot(w.slot).apply(&w)
}

func (s *slot) apply(w *write) {
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
		s.kinds[c.Table.Key] = c.Table.Kind
		if len(table) == 0 {
			delete(s.tables, c.Table.Key)
			delete(s.kinds, c.Table.Key)
		}
	}
}

// mixes reports whether a change is for a table that holds data of another kind.
func (s *slot) mixes(changes []store.Change) bool {
	for i := range changes {
		c := &changes[i]
		if kind, ok := s.kinds[c.Table.Key]; ok && kind != c.Table.Kind && !c.Drop {
			return true
		}
	}
	return false
}

// answer answers one read.
func (s *slot) answer(r *store.Read) {
	table := s.tables[r.Table.Key]
	switch r.Kind {
	case store.Get:
		r.Value, r.Found = table[r.Field]
		if r.Table.Kind == store.SortedSet || r.Table.Kind == store.Set {
			r.Value = ""
		}
	case store.Len:
		r.Count = len(table)
		if r.Table.Kind == store.List {
			r.Count = boundsIn(table).Len()
		}
	case store.Range:
		if r.Table.Kind == store.List {
			answerPart(r, table)
		} else {
			answerRange(r, table)
		}
	case store.Walk:
		answerWalk(r, table)
	default:
		panic(fmt.Sprintf("read kind %d", r.Kind))
	}
}

// answerWalk answers a Walk: the fields behind one of them.
func answerWalk(r *store.Read, table map[string]string) {
	r.Elements, r.Value = nil, ""
	for _, field := range slices.Sorted(maps.Keys(table)) {
		if r.Field != "" && field <= r.Field {
			continue
		}
		if r.Span.Limit > 0 && len(r.Elements) == r.Span.Limit {
			r.Value = r.Elements[len(r.Elements)-1].Field
			return
		}
		r.Elements = append(r.Elements, store.Element{Field: field, Value: table[field]})
	}
}

// boundsIn are the bounds of a list; zero if it is empty.
func boundsIn(table map[string]string) store.Bounds {
	text, ok := table[store.BoundsField]
	if !ok {
		return store.Bounds{}
	}
	b, err := store.ParseBounds(text)
	if err != nil {
		panic(err) // the engine wrote it
	}
	return b
}

// answerPart answers a Range of a list.
func answerPart(r *store.Read, table map[string]string) {
	b, p := boundsIn(table), r.Part
	if p.FromFirst {
		p.From, p.To = p.From+b.First, p.To+b.First
	}
	from, to := max(p.From, b.First), min(p.To, b.Next)
	if count := int64(p.Limit); count > 0 && p.Reverse {
		from = max(from, to-count)
	} else if count > 0 {
		to = min(to, from+count)
	}
	r.Elements, r.More = nil, false
	bytes := 0
	for i := range max(to-from, 0) {
		position := from + i
		if p.Reverse {
			position = to - 1 - i
		}
		field := store.Position(position)
		bytes += len(field) + len(table[field])
		if i == store.ElementsMax || i > 0 && bytes > store.BytesMax {
			r.More = true
			return
		}
		r.Elements = append(r.Elements, store.Element{Field: field, Value: table[field]})
	}
}

func answerRange(r *store.Read, table map[string]string) {
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
	bytes := 0
	for _, f := range fields {
		if !within(span, f) {
			continue
		}
		if r.Table.Kind == store.Map { // all of it, in one answer
			r.Elements = append(r.Elements, store.Element{Field: f, Value: table[f]})
			continue
		}
		if len(r.Elements) == limit {
			r.More = limit != span.Limit
			return
		}
		if bytes += len(f) + len(table[f]); bytes > store.BytesMax && len(r.Elements) > 0 {
			r.More = true
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
