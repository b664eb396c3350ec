package overlay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/store"
)

// page is one answered Range of the store, valid for the open batch.
type page struct {
	table    *Table
	span     store.Span
	part     store.Part // of a list, instead of a span
	walk     bool       // of a map, from a place on
	from, to string     // that place, and where to go on
	elements []store.Element
	more     bool
	done     bool
}

// wantBases asks for those elements of the open batch of which it is not known whether
// they were there before.
func (v *View) wantBases(t *Table) {
	for _, e := range t.dirty {
		if e.node().base == baseUnknown {
			v.want(e)
		}
	}
}

// Len returns the number of elements of the table that the path leads into: p
// names one of its elements, the last segment does not count. The table's elements
// have one type.
func Len(v *View, p *Path) (int, error) {
	if err := v.mayRead(p); err != nil {
		return 0, err
	}
	if v.direct != nil {
		return lenDirect(v, p)
	}
	v.countRead()
	t, foreign := tableOf(v, p), v.foreign(p)
	base := 0
	if foreign || t.cleared != v.open {
		for {
			if t.lenOf != v.open {
				v.needs = append(v.needs, need{table: t, read: store.Read{Kind: store.Len, Table: t.Table}})
			}
			if !foreign {
				v.wantBases(t)
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
	if foreign {
		return base, nil
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
	if err := v.mayRead(p); err != nil {
		return err
	}
	if v.direct != nil {
		return scanDirect(v, p, span, yield)
	}
	v.countScan()
	t, f := tableFor[T](v, p)
	foreign := v.foreign(p)
	left := span.Limit
	for {
		pg, err := v.page(t, span, left, foreign)
		if err != nil {
			return err
		}
		merged := mergeDirty(t, f, span, pg, foreign)
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
				err = undecoded(p, m.field, err)
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
func (v *View) page(t *Table, span store.Span, left int, foreign bool) (*page, error) {
	if t.cleared == v.open && !foreign {
		return &page{table: t, done: true}, nil
	}
	span.Limit = 0 // as many as one answer holds
	if most := left + len(t.dirty); left > 0 && most < store.ElementsMax {
		span.Limit = most
	}
	return v.answered(&page{table: t, span: span}, store.Read{Kind: store.Range, Table: t.Table, Span: span})
}

// answered returns a page of the open batch like the given one, asking for it if
// there is none yet.
func (v *View) answered(pg *page, read store.Read) (*page, error) {
	if have := v.have(pg); have != nil {
		return have, nil
	}
	v.needs = append(v.needs, need{page: pg, read: read})
	v.Suspend()
	if pg.done {
		return pg, nil
	}
	// Another event's look-ahead may have asked for the same page.
	if have := v.have(pg); have != nil {
		return have, nil
	}
	v.Fail(fmt.Errorf("%s: range was not answered", pg.table.Key))
	return nil, v.failure
}

// have finds an answered page.
func (v *View) have(pg *page) *page {
	for _, other := range v.pages {
		if other.table == pg.table && other.span == pg.span && other.part == pg.part && other.walk == pg.walk && other.from == pg.from && other.done {
			return other
		}
	}
	return nil
}

// merged is one element of a range: from the overlay (e) or from the store.
type merged[T any] struct {
	field string
	raw   string
	e     *Entry[T]
}

// mergeDirty lays the open batch's writes over a page. Where the page ended
// early, writes behind its last element wait for the next page. Other topologies see
// the page as it is.
func mergeDirty[T any](t *Table, f *fields[T], span store.Span, pg *page, foreign bool) []merged[T] {
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
		if !foreign && inSpan(span, field) && !written[field] {
			written[field] = true
			out = append(out, merged[T]{field: field, e: f.entries.get(field)})
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
