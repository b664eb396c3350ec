package overlay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/store"
)

// page is one answered Range of the store, valid for the open batch.
type page struct {
	table    *Table
	span     store.Span
	elements []store.Element
	more     bool
	done     bool
}

// Len returns the number of elements of the table that the path leads into: p
// names one of its elements, the last segment does not count.
func Len[T any](v *View, p *Path) (int, error) {
	if v.direct != nil {
		return lenDirect(v, p)
	}
	v.countRead()
	t, _ := tableFor[T](v, p)
	base := 0
	if t.cleared != v.open {
		for {
			if t.lenOf != v.open {
				v.needs = append(v.needs, need{table: t, read: store.Read{Kind: store.Len, Table: t.Table}})
			}
			for _, e := range t.dirty {
				if e.node().base == baseUnknown {
					v.want(e)
				}
			}
			if len(v.needs) == 0 {
				break
			}
			v.Suspend()
			if v.failure != nil {
				return 0, v.failure
			}
		}
		base = t.lenBase
	}
	for _, e := range t.dirty {
		n := e.node()
		if n.flags&present != 0 {
			base++
		}
		if n.base == basePresent && t.cleared != v.open {
			base--
		}
	}
	return base, nil
}

// Scan calls yield for the elements of the path's table in the span, in order,
// until yield returns false; p names any element of the table, its last segment
// does not count. The handler may write while it scans: what it adds to the
// part not yet read may or may not be seen.
func Scan[T any](v *View, p *Path, span store.Span, yield func(field string, value T) bool) error {
	if v.direct != nil {
		return scanDirect(v, p, span, yield)
	}
	v.countScan()
	t, f := tableFor[T](v, p)
	left := span.Limit
	for {
		pg, err := v.page(t, span, left)
		if err != nil {
			return err
		}
		merged := mergeDirty(t, f, span, pg)
		for _, m := range merged {
			var value T
			if m.e != nil {
				if m.e.n.flags&present == 0 {
					continue
				}
				value, err = m.e.get()
			} else {
				err = f.codec.Decode(bytesOf(m.raw), &value)
			}
			if err != nil {
				err = fmt.Errorf("PState %s, element %q: stored value does not decode: %w", p.Decl.Name, m.field, err)
				v.Fail(err)
				return err
			}
			v.countElement()
			if !yield(m.field, value) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
		}
		if !pg.more {
			return nil
		}
		span = behind(span, pg.elements[len(pg.elements)-1].Field)
	}
}

// behind is the rest of a span after a field.
func behind(span store.Span, field string) store.Span {
	if span.Reverse {
		span.High, span.HasHigh, span.HighOpen = field, true, true
	} else {
		span.Low, span.HasLow, span.LowOpen = field, true, true
	}
	return span
}

// page returns the store's answer for a span, asking for it if the open batch
// has not yet. Deleted elements may thin it out, so it asks for a few more.
func (v *View) page(t *Table, span store.Span, left int) (*page, error) {
	if t.cleared == v.open {
		return &page{table: t, done: true}, nil
	}
	span.Limit = 0 // as many as one answer holds
	if most := left + len(t.dirty); left > 0 && most < store.ElementsMax {
		span.Limit = most
	}
	for _, pg := range v.pages {
		if pg.table == t && pg.span == span && pg.done {
			return pg, nil
		}
	}
	pg := &page{table: t, span: span}
	v.needs = append(v.needs, need{page: pg, read: store.Read{Kind: store.Range, Table: t.Table, Span: span}})
	v.Suspend()
	if !pg.done {
		// Another event's look-ahead may have asked for the same page.
		for _, other := range v.pages {
			if other.table == t && other.span == span && other.done {
				return other, nil
			}
		}
		v.Fail(fmt.Errorf("%s: range was not answered", t.Key))
		return nil, v.failure
	}
	return pg, nil
}

// merged is one element of a range: from the overlay (e) or from the store.
type merged[T any] struct {
	field string
	raw   string
	e     *Entry[T]
}

// mergeDirty lays the open batch's writes over a page. Where the page ended
// early, writes behind its last element wait for the next page.
func mergeDirty[T any](t *Table, f *fields[T], span store.Span, pg *page) []merged[T] {
	if pg.more && len(pg.elements) > 0 {
		last := pg.elements[len(pg.elements)-1].Field
		if span.Reverse {
			span.Low, span.HasLow, span.LowOpen = last, true, false
		} else {
			span.High, span.HasHigh, span.HighOpen = last, true, false
		}
	}
	out := make([]merged[T], 0, len(pg.elements)+len(t.dirty))
	written := make(map[string]bool, len(t.dirty))
	for _, e := range t.dirty {
		field := e.node().field
		if inSpan(span, field) && !written[field] {
			written[field] = true
			out = append(out, merged[T]{field: field, e: f.entries[field]})
		}
	}
	for _, element := range pg.elements {
		if !written[element.Field] {
			out = append(out, merged[T]{field: element.Field, raw: element.Value})
		}
	}
	slices.SortFunc(out, func(a, b merged[T]) int { return strings.Compare(a.field, b.field) })
	if span.Reverse {
		slices.Reverse(out)
	}
	return out
}

func inSpan(span store.Span, field string) bool {
	if span.HasLow && (field < span.Low || span.LowOpen && field == span.Low) {
		return false
	}
	if span.HasHigh && (field > span.High || span.HighOpen && field == span.High) {
		return false
	}
	return true
}

func lenDirect(v *View, p *Path) (int, error) {
	slot, err := v.direct.Slot(p)
	if err != nil {
		return 0, err
	}
	read := [1]store.Read{{Kind: store.Len, Table: p.storeTable(slot.Tag, max(p.n-1, 0), p.Kind)}}
	err = v.direct.Read(slot, read[:])
	return read[0].Count, err
}

func scanDirect[T any](v *View, p *Path, span store.Span, yield func(string, T) bool) error {
	slot, err := v.direct.Slot(p)
	if err != nil {
		return err
	}
	leaf, ok := p.Decl.Leaf.(*codec.Codec[T])
	if !ok {
		leaf = any(noValue).(*codec.Codec[T])
	}
	read := [1]store.Read{{Kind: store.Range, Table: p.storeTable(slot.Tag, max(p.n-1, 0), p.Kind), Span: span}}
	left := span.Limit
	for {
		if err := v.direct.Read(slot, read[:]); err != nil {
			return err
		}
		for _, element := range read[0].Elements {
			var value T
			if err := leaf.Decode(bytesOf(element.Value), &value); err != nil {
				return fmt.Errorf("PState %s, element %q: stored value does not decode: %w", p.Decl.Name, element.Field, err)
			}
			if !yield(element.Field, value) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
		}
		if !read[0].More {
			return nil
		}
		next := behind(read[0].Span, read[0].Elements[len(read[0].Elements)-1].Field)
		next.Limit = max(left, 0)
		read[0] = store.Read{Kind: store.Range, Table: read[0].Table, Span: next}
	}
}
