package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/store"
)

var readCases = []subtest{
	{"a session reads its own last commit", ownCommit},
	{"reads of many kinds at a time", mixedReads},
	{"neighbouring reads of one table", neighbours},
	{"a slot that no one has written", emptySlot},
}

var rangeCases = []subtest{
	{"every span of an ordered table", everySpan},
	{"the limit of elements", limitOfElements},
	{"the limit of bytes", limitOfBytes},
	{"a whole map", wholeMap},
	{"a walk through a map", walkMap},
	{"every part of a list", everyPart},
	{"the limits of a list's answer", limitsOfList},
	{"a range is of one moment", oneMoment},
}

func ownCommit(b *bench) {
	s, _ := b.take(1)
	t := b.table("m", store.Map)
	for n := uint64(1); n <= 20; n++ {
		b.commit(s, head(1, n), put(t, "n", fmt.Sprint(n)))
		reads := []store.Read{{Table: t, Kind: store.Get, Field: "n"}, {Table: t, Kind: store.Get, Field: "none"}}
		if err := s.Read(b.ctx, reads); err != nil {
			b.Fatal(err)
		}
		if reads[0].Value != fmt.Sprint(n) || !reads[0].Found || reads[1].Found {
			b.Fatalf("after commit %d: %+v", n, reads)
		}
	}
}

// walkMap: a walk sees every field that is there all the time, and comes to an end.
func walkMap(b *bench) {
	s, _ := b.take(1)
	t := b.table("m", store.Map)
	var fields []string
	for i := range 2000 {
		fields = append(fields, fmt.Sprint("field ", i), fmt.Sprint("value ", i))
	}
	b.commit(s, head(1, 1), put(t, fields...))
	seen, cursor, looks := map[string]string{}, "", 0
	for {
		read := []store.Read{{Table: t, Kind: store.Walk, Field: cursor, Span: store.Span{Limit: 100}}}
		if err := s.Read(b.ctx, read); err != nil {
			b.Fatal(err)
		}
		for _, e := range read[0].Elements {
			seen[e.Field] = e.Value
		}
		b.commit(s, head(1, uint64(2+looks)), put(t, fmt.Sprint("new ", looks), "new"))
		if looks++; read[0].Value == "" {
			break
		}
		cursor = read[0].Value
	}
	for i := 0; i < len(fields); i += 2 {
		if seen[fields[i]] != fields[i+1] {
			b.Fatalf("%s is seen as %q after %d looks", fields[i], seen[fields[i]], looks)
		}
	}
}

func mixedReads(b *bench) {
	s, _ := b.take(1)
	m, sorted, set, value := b.table("m", store.Map), b.table("s", store.SortedMap), b.table("e", store.SortedSet), b.table("v", store.Value)
	b.commit(s, head(1, 1), put(m, "a", "1"), put(sorted, "b", "2", "c", "3"), put(set, "d", ""), put(value, "", "4"))
	reads := []store.Read{
		{Table: value, Kind: store.Get}, {Table: set, Kind: store.Get, Field: "d"}, {Table: set, Kind: store.Get, Field: "x"},
		{Table: sorted, Kind: store.Range}, {Table: m, Kind: store.Get, Field: "a"}, {Table: sorted, Kind: store.Len}, {Table: value, Kind: store.Len},
	}
	check := func(how string) {
		b.Helper()
		if reads[0].Value != "4" || !reads[1].Found || reads[2].Found || fmt.Sprint(reads[3].Elements) != "[{b 2} {c 3}]" || reads[4].Value != "1" || reads[5].Count != 2 || reads[6].Count != 1 {
			b.Errorf("%s: %+v", how, reads)
		}
	}
	if err := s.Read(b.ctx, reads); err != nil {
		b.Fatal(err)
	}
	check("on the session")
	for i := range reads {
		reads[i] = store.Read{Table: reads[i].Table, Kind: reads[i].Kind, Field: reads[i].Field}
	}
	if h := b.read(reads); h != head(1, 1) {
		b.Errorf("read at head %v", h)
	}
	check("over the pool")
}

func neighbours(b *bench) {
	s, _ := b.take(1)
	t := b.table("m", store.SortedMap)
	b.commit(s, head(1, 1), put(t, "a", "1", "c", "3"))
	reads := make([]store.Read, 0, 4)
	for _, f := range []string{"a", "b", "c", "a"} {
		reads = append(reads, store.Read{Table: t, Kind: store.Get, Field: f})
	}
	b.read(reads)
	if reads[0].Value != "1" || reads[1].Found || reads[2].Value != "3" || reads[3].Value != "1" {
		b.Errorf("%+v", reads)
	}
}

func emptySlot(b *bench) {
	reads := []store.Read{{Table: b.table("s", store.SortedMap), Kind: store.Range}, {Table: b.table("m", store.Map), Kind: store.Get, Field: "a"}, {Table: b.table("m", store.Map), Kind: store.Len}}
	if h := b.read(reads); !h.IsZero() || len(reads[0].Elements) != 0 || reads[1].Found || reads[2].Count != 0 {
		b.Errorf("an empty slot: head %v, %+v", h, reads)
	}
}

// wantRange checks the fields of a span.
func (b *bench) wantRange(t store.Table, span store.Span, want []string) {
	b.Helper()
	reads := []store.Read{{Table: t, Kind: store.Range, Span: span}}
	b.read(reads)
	var got []string
	for _, e := range reads[0].Elements {
		got = append(got, e.Field)
		if t.Kind == store.SortedMap && e.Value != "v"+e.Field {
			b.Errorf("span %+v: field %q has the value %q", span, e.Field, e.Value)
		}
	}
	if !slices.Equal(got, want) || reads[0].More {
		b.Errorf("%s, span %+v: %q, more %v; want %q", t.Key, span, got, reads[0].More, want)
	}
}

// everySpan compares all spans over a few fields with a filter of a sorted slice.
func everySpan(b *bench) {
	s, _ := b.take(1)
	fields := []string{"", "a", "a\x00", "ab", "b", "{", "\xff"}
	bounds := append([]string{"A", "aa", "c"}, fields...)
	for _, kind := range []store.Kind{store.SortedMap, store.SortedSet} {
		t := b.table(fmt.Sprint("t", kind), kind)
		var pairs []string
		for _, f := range fields {
			pairs = append(pairs, f, "v"+f)
		}
		number := uint64(kind)
		b.commit(s, head(1, number), put(t, pairs...))
		for _, span := range spans(bounds) {
			b.wantRange(t, span, within(fields, span))
		}
	}
}

// spans are combinations of bounds, directions and limits.
func spans(bounds []string) []store.Span {
	all := []store.Span{{}, {Limit: 2}, {Reverse: true}, {Reverse: true, Limit: 3}}
	for i, low := range bounds {
		for j, high := range bounds {
			n := i*len(bounds) + j
			all = append(all, store.Span{
				Low: low, HasLow: n%5 != 4, LowOpen: n%2 == 1, High: high, HasHigh: n%7 != 6, HighOpen: n%3 == 1, Reverse: n%4 >= 2, Limit: n % 4,
			})
		}
	}
	return all
}

func within(fields []string, s store.Span) []string {
	var out []string
	for _, f := range fields {
		if s.HasLow && (f < s.Low || s.LowOpen && f == s.Low) || s.HasHigh && (f > s.High || s.HighOpen && f == s.High) {
			continue
		}
		out = append(out, f)
	}
	if s.Reverse {
		slices.Reverse(out)
	}
	if s.Limit > 0 && len(out) > s.Limit {
		out = out[:s.Limit]
	}
	return out
}

// pages reads a whole table page by page.
func (b *bench) pages(t store.Table, span store.Span) (fields []string, pages int) {
	b.Helper()
	for {
		reads := []store.Read{{Table: t, Kind: store.Range, Span: span}}
		b.read(reads)
		pages++
		for _, e := range reads[0].Elements {
			fields = append(fields, e.Field)
		}
		if !reads[0].More {
			return fields, pages
		}
		last := fields[len(fields)-1]
		if span.Reverse {
			span.High, span.HasHigh, span.HighOpen = last, true, true
		} else {
			span.Low, span.HasLow, span.LowOpen = last, true, true
		}
	}
}

func limitOfElements(b *bench) {
	s, _ := b.take(1)
	t := b.table("s", store.SortedMap)
	const n = 2*store.ElementsMax + 500
	var pairs, want []string
	for i := range n {
		f := fmt.Sprintf("f%05d", i)
		pairs, want = append(pairs, f, "v"+f), append(want, f)
	}
	b.commit(s, head(1, 1), put(t, pairs...))
	got, pages := b.pages(t, store.Span{})
	if !slices.Equal(got, want) || pages != 3 {
		b.Errorf("%d fields in %d pages, want %d in 3", len(got), pages, n)
	}
	slices.Reverse(want)
	if got, _ := b.pages(t, store.Span{Reverse: true}); !slices.Equal(got, want) {
		b.Errorf("from high to low: %d fields, want %d", len(got), n)
	}
}

func limitOfBytes(b *bench) {
	s, _ := b.take(1)
	t := b.table("s", store.SortedMap)
	value := strings.Repeat("x", store.BytesMax/4)
	var pairs, want []string
	for i := range 10 {
		f := fmt.Sprint("f", i)
		pairs, want = append(pairs, f, value), append(want, f)
	}
	b.commit(s, head(1, 1), put(t, pairs...))
	got, pages := b.pages(t, store.Span{})
	if !slices.Equal(got, want) || pages < 3 || pages > 5 {
		b.Errorf("%q in %d pages", got, pages)
	}
	big := b.table("big", store.SortedMap)
	b.commit(s, head(1, 2), put(big, "a", strings.Repeat("x", 2*store.BytesMax), "b", "1"))
	if got, _ := b.pages(big, store.Span{}); !slices.Equal(got, []string{"a", "b"}) {
		b.Errorf("an element above the limit: %q", got)
	}
}

func wholeMap(b *bench) {
	s, _ := b.take(1)
	t := b.table("m", store.Map)
	b.commit(s, head(1, 1), put(t, "a", "1", "b", "2"))
	reads := []store.Read{{Table: t, Kind: store.Range}}
	b.read(reads)
	got := map[string]string{}
	for _, e := range reads[0].Elements {
		got[e.Field] = e.Value
	}
	if len(reads[0].Elements) != 2 || got["a"] != "1" || got["b"] != "2" || reads[0].More {
		b.Errorf("%+v", reads[0])
	}
	// It has no order in which one could go on: all of it comes at once.
	big := b.table("big", store.Map)
	const n = store.ElementsMax + 500
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprint(i), strings.Repeat("x", 2*store.BytesMax/n))
	}
	b.commit(s, head(1, 2), put(big, pairs...))
	reads = []store.Read{{Table: big, Kind: store.Range}}
	b.read(reads)
	if len(reads[0].Elements) != n || reads[0].More {
		b.Errorf("%d of %d fields, more: %t", len(reads[0].Elements), n, reads[0].More)
	}
}

// oneMoment reads a range while commits change every element of it: what is read is what
// one of them wrote, and the head that came with it says which.
func oneMoment(b *bench) {
	const commits, elements = 50, 100
	s, _ := b.take(1)
	t := b.table("m", store.SortedMap)
	write := func(n uint64) {
		var pairs []string
		for i := range elements {
			pairs = append(pairs, fmt.Sprintf("f%03d", i), fmt.Sprint(n))
		}
		b.commit(s, head(1, n), put(t, pairs...))
	}
	write(1)
	begun, over, read := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		for {
			reads := []store.Read{{Table: t, Kind: store.Range}}
			h, err := b.store.Read(b.ctx, b.slot, reads)
			if err != nil || len(reads[0].Elements) != elements {
				b.Errorf("%d elements at head %v: %v", len(reads[0].Elements), h, err)
				return
			}
			for _, e := range reads[0].Elements {
				if e.Value != fmt.Sprint(h.Number) {
					b.Errorf("at commit %d, element %s is of commit %s", h.Number, e.Field, e.Value)
					return
				}
			}
			select {
			case <-over:
				return
			case begun <- struct{}{}:
			default:
			}
		}
	}()
	select {
	case <-begun:
	case <-read:
	}
	for n := uint64(2); n <= commits; n++ {
		write(n)
	}
	close(over)
	<-read
}

// wantPart checks the positions of a part of a list, whose values are theirs.
func (b *bench) wantPart(t store.Table, part store.Part, from, to int64) {
	b.Helper()
	var want []string
	for p := from; p < to; p++ {
		want = append(want, store.Position(p))
	}
	if part.Reverse {
		slices.Reverse(want)
	}
	reads := []store.Read{{Table: t, Kind: store.Get, Field: store.BoundsField}, {Table: t, Kind: store.Range, Part: part}}
	b.read(reads)
	var got []string
	for _, e := range reads[1].Elements {
		got = append(got, e.Field)
		if e.Value != "v"+e.Field {
			b.Errorf("part %+v: position %s has the value %q", part, e.Field, e.Value)
		}
	}
	if !slices.Equal(got, want) || reads[1].More {
		b.Errorf("part %+v of %s: %q, more %v; want %q", part, reads[0].Value, got, reads[1].More, want)
	}
}

// everyPart asks for parts of a list that begins at several positions, by position
// and counted from its first element.
func everyPart(b *bench) {
	s, _ := b.take(1)
	for i, first := range []int64{0, -3, 5} {
		t := b.table(fmt.Sprint("l", i), store.List)
		b.wantPart(t, store.Part{From: -10, To: 10}, 0, 0)
		bounds := store.Bounds{First: first, Next: first + 4}
		pairs := []string{store.BoundsField, bounds.String()}
		for p := bounds.First; p < bounds.Next; p++ {
			pairs = append(pairs, store.Position(p), "v"+store.Position(p))
		}
		b.commit(s, head(1, uint64(i+1)), put(t, pairs...))
		for from := first - 2; from < first+6; from++ {
			for to := from - 1; to < first+7; to++ {
				low, high := max(from, bounds.First), min(to, bounds.Next)
				for _, reverse := range []bool{false, true} {
					b.wantPart(t, store.Part{From: from, To: to, Reverse: reverse}, low, high)
					b.wantPart(t, store.Part{From: from - first, To: to - first, FromFirst: true, Reverse: reverse}, low, high)
				}
			}
		}
		b.wantPart(t, store.Part{To: 1 << 53, FromFirst: true}, bounds.First, bounds.Next)
	}
}

func limitsOfList(b *bench) {
	s, _ := b.take(1)
	many, big := b.table("many", store.List), b.table("big", store.List)
	const n = store.ElementsMax + 500
	pairs := []string{store.BoundsField, store.Bounds{Next: n}.String()}
	for p := range int64(n) {
		pairs = append(pairs, store.Position(p), "v")
	}
	value := strings.Repeat("x", store.BytesMax/4)
	b.commit(s, head(1, 1), put(many, pairs...), put(big, "0", value, "1", value, "2", value, "3", value, "4", strings.Repeat("x", 2*store.BytesMax), store.BoundsField, "0 5"))
	for _, c := range []struct {
		table       store.Table
		part        store.Part
		first, last string
		count       int
		more        bool
	}{
		{many, store.Part{To: n}, "0", "999", 1000, true},
		{many, store.Part{To: 1000}, "0", "999", 1000, false},
		{many, store.Part{From: 500, To: n + 5}, "500", "1499", 1000, false},
		{many, store.Part{To: n, Reverse: true}, "1499", "500", 1000, true},
		{many, store.Part{To: n, Reverse: true, Limit: 10}, "1499", "1490", 10, false},
		{many, store.Part{From: 5, To: n, FromFirst: true, Limit: 10}, "5", "14", 10, false},
		{many, store.Part{To: n, Limit: 1200}, "0", "999", 1000, true},
		{many, store.Part{To: 3, Limit: 10}, "0", "2", 3, false},
		{big, store.Part{To: 5, Limit: 4}, "0", "2", 3, true},
		{big, store.Part{To: 5}, "0", "2", 3, true},
		{big, store.Part{From: 4, To: 5}, "4", "4", 1, false},
	} {
		reads := []store.Read{{Table: c.table, Kind: store.Range, Part: c.part}}
		b.read(reads)
		e := reads[0].Elements
		if len(e) != c.count || reads[0].More != c.more || e[0].Field != c.first || e[len(e)-1].Field != c.last {
			b.Errorf("part %+v: %d elements, more %v; want %+v", c.part, len(e), reads[0].More, c)
		}
	}
}
