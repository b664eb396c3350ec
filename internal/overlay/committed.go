package overlay

import (
	"fmt"

	"github.com/coppice-run/coppice/store"
)

// An event of another topology reads what is committed (promise 3.40): not the
// writes of the open batch, of which more may follow before it is sealed. What is
// under way counts as committed: the event's own batch is stored only if it is.
//
// Elements that the open batch has not written are the same either way and come from
// the cache. The others are read from the store, once per batch: the answer is behind
// the commit that is under way.

// place is a field of a table.
type place struct {
	table *Table
	field string
}

// stored is the stored form of an element that the open batch has written, or of a
// table that is written beside the view.
type stored struct {
	place
	raw         string
	found       bool
	asked, done bool
}

// lookupCommitted reads an element for another topology than its PState's.
func lookupCommitted[T any](v *View, p *Path) (value T, found bool, err error) {
	t, f := tableFor[T](v, p)
	field := fieldOf(v, p)
	e := f.entries.get(field)
	if !p.Decl.Volatile && t.cleared != v.open && (e == nil || e.n.flags&dirty == 0) {
		return lookup[T](v, p)
	}
	s := v.committed[place{t, field}]
	if s == nil {
		s = &stored{place: place{t, string(append([]byte(nil), field...))}}
		if v.committed == nil {
			v.committed = map[place]*stored{}
		}
		v.committed[s.place] = s
	}
	if !s.done {
		if !s.asked {
			s.asked = true
			v.needs = append(v.needs, need{stored: s, read: store.Read{Kind: store.Get, Table: t.Table, Field: s.field}})
		}
		v.Suspend()
		if !s.done {
			v.Fail(fmt.Errorf("%s: read of an element was not answered", t.Key))
		}
		if v.failure != nil {
			return value, false, v.failure
		}
	}
	if !s.found {
		return initial[T](v, p)
	}
	if err := f.codec.Decode(bytesOf(s.raw), &value); err != nil {
		err = undecoded(p, s.field, err)
		v.Fail(err)
		return value, false, err
	}
	return value, true, nil
}

// foreign reports whether an event reads another topology's PState.
func (v *View) foreign(p *Path) bool { return v.Owner != p.Decl.Owner }
