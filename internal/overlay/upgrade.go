package overlay

import (
	"strconv"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Upgrade goes through the values of a PState that migrate, and rewrites those that have
// not passed their migrations: for the engine, which does it piece by piece. A cursor says where
// the next piece begins: the places on the way there, one for each level.
type Upgrade struct {
	Seen      int // values that were looked at
	Rewritten int // those of them that were written
	left      int
	view      *View
}

// Part goes on from a cursor, nil at the beginning, until about so many values have been looked at.
// It returns where the next piece begins, or that there is none. It reads like a handler; the view's owner is
// the PState's.
func (u *Upgrade) Part(v *View, d *Decl, cursor []string, most int) (next []string, done bool) {
	u.view, u.left = v, max(most, 1)
	return u.walk(Root(d), cursor)
}

// Migrates reports whether values of a structure migrate, or of one within.
func (s *Schema) Migrates() bool {
	if s == nil {
		return false
	}
	for _, field := range s.Fields {
		if field.Migrates() {
			return true
		}
	}
	return s.Rewrite != nil || s.Elem.Migrates()
}

// Lasting is what remains of a cursor for another connection: places in maps without an order
// mean nothing there.
func Lasting(d *Decl, cursor []string) []string {
	s := d.Schema
	for i, place := range cursor {
		switch {
		case s == nil:
			return cursor[:i]
		case s.Kind == KindMap:
			return cursor[:i]
		case s.Kind == KindFixed:
			n, err := strconv.Atoi(place)
			if err != nil || n < 0 || n >= len(s.Fields) {
				return cursor[:i]
			}
			s = s.Fields[n]
		default:
			s = s.Elem
		}
	}
	return cursor
}

// at takes a level's place off a cursor.
func at(cursor []string) (place string, inner []string) {
	if len(cursor) == 0 {
		return "", nil
	}
	return cursor[0], cursor[1:]
}

// walk goes through a structure. What it returns is a cursor from its level on.
func (u *Upgrade) walk(p Path, cursor []string) (rest []string, done bool) {
	if !p.Schema.Migrates() {
		return nil, true
	}
	switch p.Schema.Kind {
	case KindFixed:
		return u.fields(p, cursor)
	case KindMapOf, KindListOf:
		return u.structures(p, cursor)
	case KindValue:
		u.Seen++
		u.left--
		u.rewrite(&p, "", false)
		return nil, true
	case KindList:
		return u.positions(p, cursor)
	case KindMap:
		return u.loose(p, cursor)
	}
	return u.ordered(p, cursor)
}

// fields goes through fixed keys.
func (u *Upgrade) fields(p Path, cursor []string) (rest []string, done bool) {
	place, inner := at(cursor)
	first, _ := strconv.Atoi(place) // "": from the first one
	for i := first; i < len(p.Schema.Fields); i++ {
		if u.left <= 0 {
			return []string{strconv.Itoa(i)}, false
		}
		if i != first {
			inner = nil
		}
		if rest, done := u.walk(p.Field(i), inner); !done {
			return append([]string{strconv.Itoa(i)}, rest...), false
		}
	}
	return nil, true
}

// behindField is the place behind a field, in the order of bytes.
func behindField(field string) string { return field + "\x00" }

// keysAtOnce is how many keys of structures one look asks for.
const keysAtOnce = 100

// structures goes through what lies under keys, in their order.
func (u *Upgrade) structures(p Path, cursor []string) (rest []string, done bool) {
	place, inner := at(cursor)
	for {
		keys := p.Element(wire.Segment{})
		var fields []string
		err := Scan(u.view, &keys, store.Span{Low: place, HasLow: place != "", Limit: keysAtOnce}, func(field string, _ struct{}) bool {
			fields = append(fields, field)
			return true
		})
		if err != nil || len(fields) == 0 {
			return nil, true // an error is noted in the view
		}
		for _, field := range fields {
			if u.left <= 0 {
				return []string{field}, false
			}
			u.left--
			if field != place {
				inner = nil
			}
			if rest, done := u.walk(p.Into(wire.Segment{Kind: wire.SegmentEncoded, Text: field}), inner); !done {
				return append([]string{field}, rest...), false
			}
		}
		place, inner = behindField(fields[len(fields)-1]), nil
	}
}

// ordered goes through the elements of a sorted map.
func (u *Upgrade) ordered(p Path, cursor []string) (rest []string, done bool) {
	place, _ := at(cursor)
	element := p.Element(wire.Segment{})
	t := tableOf(u.view, &element)
	for {
		span := store.Span{Low: place, HasLow: place != "", Limit: min(max(u.left, 1), store.ElementsMax)}
		pg, err := u.view.answered(&page{table: t, span: span}, store.Read{Kind: store.Range, Table: t.Table, Span: span})
		if err != nil || len(pg.elements) == 0 {
			return nil, true
		}
		u.elements(p, pg.elements)
		place = behindField(pg.elements[len(pg.elements)-1].Field)
		if u.left <= 0 || u.view.failure != nil {
			return []string{place}, false
		}
	}
}

// loose goes through the elements of a map, which have no order: where it goes on says the
// store. A cursor of another connection may not mean anything any more: the engine begins a map anew
// then, and what has been rewritten is only looked at.
func (u *Upgrade) loose(p Path, cursor []string) (rest []string, done bool) {
	place, _ := at(cursor)
	element := p.Element(wire.Segment{})
	t := tableOf(u.view, &element)
	for {
		read := store.Read{Kind: store.Walk, Table: t.Table, Field: place, Span: store.Span{Limit: min(max(u.left, 1), store.ElementsMax)}}
		pg, err := u.view.answered(&page{table: t, span: read.Span, walk: true, from: place}, read)
		if err != nil {
			return nil, true
		}
		u.elements(p, pg.elements)
		if place = pg.to; place == "" {
			return nil, true
		}
		if u.left <= 0 || u.view.failure != nil {
			return []string{place}, false
		}
	}
}

// positions goes through a list. Positions are those of its table, which a list that grows or
// shrinks keeps.
func (u *Upgrade) positions(p Path, cursor []string) (rest []string, done bool) {
	place, _ := at(cursor)
	b, err := boundsOf(u.view, &p)
	if err != nil {
		return nil, true
	}
	from := b.First
	if n, err := strconv.ParseInt(place, 10, 64); err == nil && place != "" {
		from = max(from, n)
	}
	element := positionPath(&p, 0)
	t := tableOf(u.view, &element)
	for from < b.Next {
		part := store.Part{From: from, To: min(b.Next, from+int64(min(max(u.left, 1), store.ElementsMax)))}
		pg, err := u.view.answered(&page{table: t, part: part}, store.Read{Kind: store.Range, Table: t.Table, Part: part})
		if err != nil {
			return nil, true
		}
		for i := range pg.elements {
			u.Seen++
			u.left--
			if n, err := store.ParsePosition(pg.elements[i].Field); err == nil && p.Schema.Outdated(pg.elements[i].Value) {
				path := positionPath(&p, n)
				u.rewrite(&path, pg.elements[i].Value, true)
			}
		}
		if from += int64(len(pg.elements)); len(pg.elements) == 0 {
			from = part.To // they were written in this batch
		}
		if from < b.Next && (u.left <= 0 || u.view.failure != nil) {
			return []string{strconv.FormatInt(from, 10)}, false
		}
	}
	return nil, true
}

func (u *Upgrade) elements(p Path, elements []store.Element) {
	for i := range elements {
		u.Seen++
		u.left--
		if p.Schema.Outdated(elements[i].Value) {
			path := p.Element(wire.Segment{Kind: wire.SegmentEncoded, Text: elements[i].Field})
			u.rewrite(&path, elements[i].Value, true)
		}
	}
}

func (u *Upgrade) rewrite(p *Path, raw string, known bool) {
	rewrite := p.Schema.Rewrite
	if !known {
		raw = unknown
	}
	if u.view.failure == nil && rewrite(u.view, p, raw) {
		u.Rewritten++
	}
}

// unknown is no stored form.
const unknown = "\x00unknown"

// Rewrite stores an element as it is read, unless the open batch has written it already.
// raw is what the store has, for an element that the view does not know.
func Rewrite[T any](v *View, p *Path, raw string) bool {
	var e *Entry[T]
	if raw == unknown {
		e = find[T](v, p)
	} else if e = touch[T](v, p); e.n.flags&(loaded|dirty) == 0 {
		e.load(raw, true)
	}
	if v.failure != nil || e.n.flags&present == 0 || e.n.flags&dirty != 0 {
		return false
	}
	value, err := e.get()
	if err == nil && e.n.flags&broken != 0 {
		err = e.whyBroken()
	}
	if err == nil {
		record(v, e)
		err = e.set(value, &v.scratch)
	}
	if err != nil {
		v.Fail(undecoded(p, e.n.field, err))
		return false
	}
	v.written += e.size()
	return true
}
