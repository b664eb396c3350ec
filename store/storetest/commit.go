package storetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/store"
)

var commitCases = []subtest{
	{"every kind of table is written and deleted", everyKind},
	{"a dropped table is empty before the writes", drop},
	{"dropping what is not there", dropAbsent},
	{"several tables in one commit", severalTables},
	{"bytes of every sort", everySortOfBytes},
	{"a value of a megabyte", megabyte},
	{"five thousand fields in one commit", manyFields},
	{"the same commit twice leaves what one leaves (R12)", absolute},
	{"a table of another kind is corrupt (R12)", anotherKind},
	{"many commits of one session", manyCommits},
	{"an empty commit moves the head", emptyCommit},
}

func del(t store.Table, fields ...string) store.Change {
	c := store.Change{Table: t}
	for _, f := range fields {
		c.Writes = append(c.Writes, store.Write{Field: f, Delete: true})
	}
	return c
}

func everyKind(b *bench) {
	s, _ := b.take(1)
	value, m, sorted, set := b.table("v", store.Value), b.table("m", store.Map), b.table("sm", store.SortedMap), b.table("ss", store.SortedSet)
	plain, list := b.table("s", store.Set), b.table("l", store.List)
	b.commit(s, head(1, 1), put(value, "", "one"), put(m, "a", "1", "b", "2"), put(sorted, "x", "8", "y", "9"), put(set, "e", "", "f", ""),
		put(plain, "g", "", "h", ""), put(list, "0", "first", "1", "second", store.BoundsField, "0 2"))
	b.wantField(value, "", "one", true)
	b.wantField(m, "b", "2", true)
	b.wantField(sorted, "y", "9", true)
	b.wantField(set, "f", "", true)
	b.wantField(plain, "h", "", true)
	b.wantField(plain, "i", "", false)
	b.wantField(list, "1", "second", true)
	b.wantField(list, store.BoundsField, "0 2", true)
	for t, n := range map[store.Table]int{value: 1, m: 2, sorted: 2, set: 2, plain: 2, list: 2} {
		b.wantLen(t, n)
	}
	b.commit(s, head(1, 2), del(value, ""), del(m, "a"), del(sorted, "x"), del(set, "e"), del(plain, "g"), del(list, "0"), put(list, store.BoundsField, "1 2"))
	b.wantField(value, "", "", false)
	b.wantField(m, "a", "", false)
	b.wantField(sorted, "x", "", false)
	b.wantField(set, "e", "", false)
	b.wantField(plain, "g", "", false)
	b.wantField(list, "0", "", false)
	for t, n := range map[store.Table]int{value: 0, m: 1, sorted: 1, set: 1, plain: 1, list: 1} {
		b.wantLen(t, n)
	}
	b.commit(s, head(1, 3), del(m, "b", "never"), del(sorted, "y"), del(set, "f"), del(plain, "h"), del(list, "1", store.BoundsField))
	for _, t := range []store.Table{m, sorted, set, plain, list} {
		b.wantLen(t, 0)
	}
}

func drop(b *bench) {
	s, _ := b.take(1)
	for i, kind := range []store.Kind{store.Value, store.Map, store.SortedMap, store.SortedSet, store.Set, store.List} {
		t := b.table(fmt.Sprint("t", i), kind)
		old, c := put(t, "old", "1"), put(t, "new", "2")
		field := "old"
		switch kind {
		case store.Value:
			field = ""
			old, c = put(t, "", "1"), store.Change{Table: t}
		case store.List:
			field = "7"
			old, c = put(t, "7", "1", store.BoundsField, "7 8"), put(t, "0", "2", store.BoundsField, "0 1")
		}
		c.Drop = true
		b.commit(s, head(1, uint64(10*i+1)), old)
		b.commit(s, head(1, uint64(10*i+2)), c)
		b.wantField(t, field, "", false)
		if kind != store.Value {
			b.wantLen(t, 1)
			b.commit(s, head(1, uint64(10*i+3)), store.Change{Table: t, Drop: true})
		}
		b.wantLen(t, 0)
		if kind == store.SortedMap || kind == store.SortedSet {
			b.wantRange(t, store.Span{}, nil)
		}
	}
}

func dropAbsent(b *bench) {
	s, _ := b.take(1)
	b.commit(s, head(1, 1), store.Change{Table: b.table("no", store.SortedMap), Drop: true}, del(b.table("none", store.Map), "a"), del(b.table("nothing", store.Value), ""))
	b.wantLen(b.table("no", store.SortedMap), 0)
}

func severalTables(b *bench) {
	s, _ := b.take(1)
	var changes []store.Change
	for i := range 50 {
		changes = append(changes, put(b.table(fmt.Sprint("t", i), store.Map), "n", fmt.Sprint(i)))
	}
	b.commit(s, head(1, 1), changes...)
	reads := make([]store.Read, 50)
	for i := range reads {
		reads[i] = store.Read{Table: b.table(fmt.Sprint("t", i), store.Map), Kind: store.Get, Field: "n"}
	}
	b.read(reads)
	for i := range reads {
		if reads[i].Value != fmt.Sprint(i) {
			b.Errorf("table %d has %q", i, reads[i].Value)
		}
	}
}

func everySortOfBytes(b *bench) {
	s, _ := b.take(1)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	m, sorted := b.table("m/%2F{x}", store.Map), b.table("s", store.SortedMap)
	fields := []string{"", string(every), "\r\n", "{tag}", "\xff\xfe", "a b", "nul\x00", "✓"}
	var pairs []string
	for _, f := range fields {
		pairs = append(pairs, f, f)
	}
	b.commit(s, head(1, 1), put(m, pairs...), put(sorted, pairs...))
	for _, f := range fields {
		b.wantField(m, f, f, true)
		b.wantField(sorted, f, f, true)
	}
	b.wantLen(m, len(fields))
	b.wantLen(sorted, len(fields))
}

func megabyte(b *bench) {
	s, _ := b.take(1)
	t, big := b.table("m", store.Map), strings.Repeat("0123456789abcdef", 1<<16)
	b.commit(s, head(1, 1), put(t, "big", big))
	b.wantField(t, "big", big, true)
}

func manyFields(b *bench) {
	s, _ := b.take(1)
	const n = 5000
	m, sorted := b.table("m", store.Map), b.table("s", store.SortedMap)
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("f%05d", i), fmt.Sprint(i))
	}
	b.commit(s, head(1, 1), put(m, pairs...), put(sorted, pairs...))
	b.wantLen(m, n)
	b.wantLen(sorted, n)
	b.wantField(m, "f04999", "4999", true)
}

func absolute(b *bench) {
	t := b.table("m", store.SortedMap)
	for owner := byte(1); owner <= 2; owner++ {
		s, _ := b.take(owner)
		b.commit(s, head(owner, 1), put(t, "a", "7"), del(b.table("other", store.Map), "x"))
	}
	b.wantField(t, "a", "7", true)
	b.wantLen(t, 1)
}

func anotherKind(b *bench) {
	s, _ := b.take(1)
	b.commit(s, head(1, 1), put(b.table("t", store.Map), "a", "1"))
	err := s.Commit(b.ctx, &store.Batch{Head: head(1, 2), Changes: []store.Change{put(b.table("t", store.SortedSet), "a", "")}})
	if !errors.Is(err, store.ErrCorrupt) {
		b.Errorf("a set where a map is: %v, want ErrCorrupt", err)
	}
}

func manyCommits(b *bench) {
	s, _ := b.take(1)
	t := b.table("m", store.Map)
	for n := uint64(1); n <= 200; n++ {
		b.commit(s, head(1, n), put(t, "n", fmt.Sprint(n)))
		if s.Head().Number != n {
			b.Fatalf("after commit %d the session is at %v", n, s.Head())
		}
	}
	b.wantField(t, "n", "200", true)
}

func emptyCommit(b *bench) {
	s, _ := b.take(1)
	h := head(1, 1)
	h.Address = ""
	b.commit(s, h)
	if got := b.read([]store.Read{{Table: b.table("m", store.Map), Kind: store.Len}}); got != h {
		b.Errorf("the head is %v, want %v", got, h)
	}
}
