package overlay

import (
	"fmt"
	"math"
	"strconv"

	"github.com/coppice-run/coppice/store"
)

// ListSpan is a part of a list by index: from From to before To, at most Limit
// elements (0: no limit). To may lie beyond the end.
type ListSpan struct {
	From, To int
	Reverse  bool
	Limit    int
}

// ListEnd is beyond the end of every list.
const ListEnd = store.PositionMax

// ListScan calls yield for the elements of a part of the list that the path leads to,
// until yield returns false. A handler may write while it scans; it ends where the
// list has become shorter.
func ListScan[T any](v *View, p *Path, span ListSpan, yield func(index int, value T) bool) error {
	span.From, span.To = min(max(span.From, 0), ListEnd), min(span.To, ListEnd)
	if v.direct != nil {
		return listScanDirect(v, p, span, yield)
	}
	b, err := boundsOf(v, p)
	if err != nil {
		return err
	}
	from, to := min(b.First+int64(span.From), b.Next), min(b.First+int64(span.To), b.Next)
	count := to - from
	if span.Limit > 0 {
		count = min(count, int64(span.Limit))
	}
	v.countScan()
	element := positionPath(p, 0)
	t, f := tableFor[T](v, &element)
	foreign := v.foreign(p)
	pg := &page{}
	for i := range max(count, 0) {
		position, part := from+i, store.Part{From: from + i, To: from + min(i+store.ElementsMax, count)}
		if span.Reverse {
			position, part = to-1-i, store.Part{From: to - min(i+store.ElementsMax, count), To: to - i, Reverse: true}
		}
		var value T
		v.field = strconv.AppendInt(v.field[:0], position, 10)
		e := f.entries.get(string(v.field))
		if !foreign && e != nil && e.n.flags&loaded != 0 {
			if e.n.flags&present == 0 {
				return nil
			}
			value, err = e.get()
		} else {
			raw, ok := pg.at(position)
			if !ok {
				if pg, err = v.listPage(t, part); err != nil {
					return err
				}
				if raw, ok = pg.at(position); !ok {
					err = v.refuse(p.Decl, fmt.Errorf("the list %s lacks the element at position %d, within its bounds %v", t.Key, position, b))
					return err
				}
			}
			err = f.codec.Decode(bytesOf(raw), &value)
		}
		if err != nil {
			err = undecoded(p, store.Position(position), err)
			v.Fail(err)
			return err
		}
		v.countElement()
		if !yield(int(position-b.First), value) {
			return nil
		}
	}
	return nil
}

// at returns the element at a position of a list, if the page has it.
func (pg *page) at(position int64) (raw string, ok bool) {
	if len(pg.elements) == 0 {
		return "", false
	}
	first, err := store.ParsePosition(pg.elements[0].Field)
	if err != nil {
		return "", false
	}
	i := position - first
	if pg.part.Reverse {
		i = -i
	}
	if i < 0 || i >= int64(len(pg.elements)) || pg.elements[i].Field != store.Position(position) {
		return "", false
	}
	return pg.elements[i].Value, true
}

// listPage returns the store's answer for a part of a list, asking for it if the
// open batch has not yet.
func (v *View) listPage(t *Table, part store.Part) (*page, error) {
	return v.answered(&page{table: t, part: part}, store.Read{Kind: store.Range, Table: t.Table, Part: part})
}

func listScanDirect[T any](v *View, p *Path, span ListSpan, yield func(int, T) bool) error {
	if err := v.mayRead(p); err != nil {
		return err
	}
	if span.From < 0 {
		return nil
	}
	slot, err := v.direct.Slot(p)
	if err != nil {
		return err
	}
	bounds := boundsPath(p)
	table, leaf := bounds.tableIn(slot.Tag), codecOf[T](p)
	left := int64(math.MaxInt64)
	if span.Limit > 0 {
		left = int64(span.Limit)
	}
	part := store.Part{From: int64(span.From), To: int64(span.To), FromFirst: true, Reverse: span.Reverse}
	var first int64
	for {
		part.Limit = 0
		if left < store.ElementsMax {
			part.Limit = int(left)
		}
		reads := [2]store.Read{{Kind: store.Get, Table: table, Field: store.BoundsField}, {Kind: store.Range, Table: table, Part: part}}
		if err := v.ask(slot, reads[:]); err != nil {
			return err
		}
		if part.FromFirst && reads[0].Found {
			// From here on by position: an index moves when the list loses its first element.
			b, err := store.ParseBounds(reads[0].Value)
			if err != nil {
				return undecoded(p, store.BoundsField, err)
			}
			first = b.First
			part.FromFirst, part.From, part.To = false, part.From+first, part.To+first
		}
		for _, e := range reads[1].Elements {
			position, err := store.ParsePosition(e.Field)
			if err != nil {
				return undecoded(p, e.Field, err)
			}
			var value T
			if err := leaf.Decode(bytesOf(e.Value), &value); err != nil {
				return undecoded(p, e.Field, err)
			}
			if !yield(int(position-first), value) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
			if part.Reverse {
				part.To = position
			} else {
				part.From = position + 1
			}
		}
		if !reads[1].More {
			return nil
		}
	}
}
