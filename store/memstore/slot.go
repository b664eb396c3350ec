package memstore

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// slot is what one task keeps.
type slot struct {
	head    task.Head
	version uint64 // counts the writes of the head
	tables  map[string]*table
}

// table is a table that is not empty.
type table struct {
	store.Table
	fields map[string]string
	order  []string // of a sorted kind: the fields in order; nil: to be made
}

// apply carries out the changes of a commit. The strings of a batch may lie in memory
// that is used again.
func (s *slot) apply(changes []store.Change) {
	for i := range changes {
		c := &changes[i]
		t := s.tables[c.Table.Key]
		if t == nil || c.Drop {
			t = &table{Table: store.Table{Key: strings.Clone(c.Table.Key), Index: strings.Clone(c.Table.Index), Kind: c.Table.Kind}, fields: map[string]string{}}
			s.tables[t.Key] = t
		}
		for _, w := range c.Writes {
			if _, had := t.fields[w.Field]; had == w.Delete {
				t.order = nil
			}
			if w.Delete {
				delete(t.fields, w.Field)
			} else {
				t.fields[strings.Clone(w.Field)] = strings.Clone(w.Value)
			}
		}
		if len(t.fields) == 0 {
			delete(s.tables, t.Key)
		}
	}
}

// mixes finds a change for a table that holds data of another kind.
func (s *slot) mixes(changes []store.Change) (key string, mixes bool) {
	for i := range changes {
		if t := s.tables[changes[i].Table.Key]; t != nil && t.Kind != changes[i].Table.Kind && !changes[i].Drop {
			return t.Key, true
		}
	}
	return "", false
}

func (s *slot) answer(r *store.Read) error {
	t := s.tables[r.Table.Key]
	if t == nil {
		t = &table{Table: r.Table}
	}
	r.Found, r.Value, r.Count, r.Elements, r.More = false, "", 0, nil, false
	switch r.Kind {
	case store.Get:
		r.Value, r.Found = t.fields[r.Field]
		if t.Kind == store.SortedSet || t.Kind == store.Set {
			r.Value = ""
		}
	case store.Len:
		r.Count = len(t.fields)
		if t.Kind == store.List {
			b, err := t.bounds()
			r.Count = b.Len()
			return err
		}
	case store.Range:
		switch t.Kind {
		case store.List:
			return t.part(r)
		case store.Map:
			t.whole(r)
		default:
			t.span(r)
		}
	case store.Walk:
		t.walk(r)
	default:
		return fmt.Errorf("read kind %d", r.Kind)
	}
	return nil
}

// walk gives the fields behind one of them, in their order.
func (t *table) walk(r *store.Read) {
	for _, field := range slices.Sorted(maps.Keys(t.fields)) {
		if r.Field != "" && field <= r.Field {
			continue
		}
		if r.Span.Limit > 0 && len(r.Elements) == r.Span.Limit {
			r.Value = r.Elements[len(r.Elements)-1].Field
			return
		}
		r.Elements = append(r.Elements, store.Element{Field: field, Value: t.fields[field]})
	}
}

// bounds are those of a list.
func (t *table) bounds() (store.Bounds, error) {
	text, ok := t.fields[store.BoundsField]
	if !ok {
		return store.Bounds{}, nil
	}
	return store.ParseBounds(text)
}

func (t *table) part(r *store.Read) error {
	b, err := t.bounds()
	if err != nil {
		return err
	}
	p := r.Part
	if p.FromFirst {
		p.From, p.To = p.From+b.First, p.To+b.First
	}
	from, to := max(p.From, b.First), min(p.To, b.Next)
	if count := int64(p.Limit); count > 0 && p.Reverse {
		from = max(from, to-count)
	} else if count > 0 {
		to = min(to, from+count)
	}
	bytes := 0
	for i := range max(to-from, 0) {
		position := from + i
		if p.Reverse {
			position = to - 1 - i
		}
		field := store.Position(position)
		if !add(r, &bytes, store.ElementsMax, field, t.fields[field]) {
			return nil
		}
	}
	return nil
}

// add adds an element to an answer, unless that is full.
func add(r *store.Read, bytes *int, most int, field, value string) bool {
	*bytes += len(field) + len(value)
	if len(r.Elements) == most || len(r.Elements) > 0 && *bytes > store.BytesMax {
		r.More = true
		return false
	}
	r.Elements = append(r.Elements, store.Element{Field: field, Value: value})
	return true
}

// whole answers all of a map at once: it has no order in which one could go on.
func (t *table) whole(r *store.Read) {
	for _, field := range slices.Sorted(maps.Keys(t.fields)) {
		r.Elements = append(r.Elements, store.Element{Field: field, Value: t.fields[field]})
	}
}

func (t *table) span(r *store.Read) {
	if t.order == nil {
		t.order = slices.Sorted(maps.Keys(t.fields))
	}
	s := &r.Span
	low, high := 0, len(t.order)
	if s.HasLow {
		low = cut(t.order, s.Low, s.LowOpen)
	}
	if s.HasHigh {
		high = cut(t.order, s.High, !s.HighOpen)
	}
	most, bytes := store.ElementsMax, 0
	if s.Limit > 0 {
		most = min(most, s.Limit)
	}
	for i := range max(high-low, 0) {
		field := t.order[min(low+i, len(t.order)-1)]
		if s.Reverse {
			field = t.order[high-1-i]
		}
		if !add(r, &bytes, most, field, t.fields[field]) {
			break
		}
	}
	// The span's own limit ends the span; beyond it nothing is missing.
	r.More = r.More && !(s.Limit > 0 && len(r.Elements) == s.Limit)
}

// cut is where the fields behind a bound begin; behind leaves the bound itself out.
func cut(order []string, bound string, behind bool) int {
	i, found := slices.BinarySearch(order, bound)
	if found && behind {
		i++
	}
	return i
}
