package nav_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/memstore"
)

const many = 5000

// crowd is structures of many elements.
type crowd struct {
	*bench
	sorted pstate.MapOf[string, pstate.SortedMap[int, int]]
	set    pstate.SortedSet[int]
	list   pstate.List[int]
}

func newCrowd(t testing.TB) *crowd {
	m := &crowd{bench: newBench(t)}
	m.declare(&m.sorted, "sorted")
	m.declare(&m.set, "set")
	m.declare(&m.list, "list")
	for i := 0; i < many; i += 1000 {
		m.do(func(w pstate.Writer) {
			for j := i; j < i+1000; j++ {
				m.sorted.Key("a").Key(j).Set(w, j)
				m.set.Add(w, j)
				m.list.Push(w, j)
			}
		})
		m.commit()
	}
	return m
}

// A select reads no more than its range, in an event and by a client: questions to the
// store and elements that it answers.
func TestSelectsReadNoMoreThanTheirRange(t *testing.T) {
	t.Parallel()
	m := newCrowd(t)
	a := nav.Key(nav.From(m.sorted), "a")
	for what, c := range map[string]struct {
		path  nav.Path[nav.Root, int, nav.Value]
		found int
		most  memstore.Asked
	}{
		"key":            {nav.Key(a, 7), 1, memstore.Asked{Reads: 1, Elements: 1}},
		"must":           {nav.Must(a, 7), 1, memstore.Asked{Reads: 1, Elements: 1}},
		"absent must":    {nav.Must(a, -1), 0, memstore.Asked{Reads: 1}},
		"elem":           {nav.Elem(nav.From(m.set), 7), 1, memstore.Asked{Reads: 1, Elements: 1}},
		"range":          {nav.MapVals(nav.MapRange(a, 2000, 2010)), 10, memstore.Asked{Reads: 1, Elements: 10}},
		"range from":     {nav.MapVals(nav.MapRangeFrom(a, 2000, 10)), 10, memstore.Asked{Reads: 1, Elements: 10}},
		"range to":       {nav.MapVals(nav.MapRangeTo(a, 2000, 10)), 10, memstore.Asked{Reads: 1, Elements: 10}},
		"start":          {nav.MapVals(nav.MapRangeFromStart(a, 10)), 10, memstore.Asked{Reads: 1, Elements: 10}},
		"end":            {nav.MapVals(nav.MapRangeToEnd(a, 10)), 10, memstore.Asked{Reads: 1, Elements: 10}},
		"nothing":        {nav.MapVals(nav.MapRangeToEnd(a, 0)), 0, memstore.Asked{}},
		"set range":      {nav.All(nav.Range(nav.From(m.set), 2000, 2010)), 10, memstore.Asked{Reads: 1, Elements: 10}},
		"set range to":   {nav.All(nav.RangeTo(nav.From(m.set), 2000, 10)), 10, memstore.Asked{Reads: 1, Elements: 10}},
		"first of a set": {nav.First(nav.From(m.set)), 1, memstore.Asked{Reads: 1, Elements: 1}},
		"last of a set":  {nav.Last(nav.From(m.set)), 1, memstore.Asked{Reads: 1, Elements: 1}},
		"last of a part": {nav.Last(nav.Range(nav.From(m.set), 10, 4000)), 1, memstore.Asked{Reads: 1, Elements: 1}},
		"nth":            {nav.Nth(nav.From(m.list), 2500), 1, memstore.Asked{Reads: 2, Elements: 2}},
		"list range":     {nav.All(nav.Range(nav.From(m.list), 2000, 2010)), 10, memstore.Asked{Reads: 2, Elements: 11}},
		"list start":     {nav.All(nav.RangeFromStart(nav.From(m.list), 10)), 10, memstore.Asked{Reads: 2, Elements: 11}},
		"first of list":  {nav.First(nav.From(m.list)), 1, memstore.Asked{Reads: 2, Elements: 2}},
		"last of a list": {nav.Last(nav.From(m.list)), 1, memstore.Asked{Reads: 2, Elements: 2}},
		"list end":       {nav.All(nav.RangeToEnd(nav.From(m.list), 10)), 10, memstore.Asked{Reads: 2, Elements: 11}},
		"everything":     {nav.MapVals(a), many, memstore.Asked{Reads: many/store.ElementsMax + 1, Elements: many}},
	} {
		read := func(how string, r pstate.Reader) {
			before := m.store.Asked()
			all, err := nav.SelectAll(r, c.path)
			after := m.store.Asked()
			asked := memstore.Asked{Reads: after.Reads - before.Reads, Elements: after.Elements - before.Elements}
			if err != nil || len(all) != c.found {
				t.Errorf("%s, %s: %d found, %v; want %d", what, how, len(all), err, c.found)
			}
			if asked.Reads > c.most.Reads || asked.Elements > c.most.Elements {
				t.Errorf("%s, %s, asks for %+v, at most %+v", what, how, asked, c.most)
			}
		}
		m.take() // nothing in memory
		m.do(func(w pstate.Writer) { read("an event", w) })
		read("a client", m.client())
	}
}

// A key is written and deleted without being read, also of a structure that is not known.
func TestWritesWithoutReads(t *testing.T) {
	t.Parallel()
	m := newCrowd(t)
	m.take()
	before := m.store.Asked()
	m.do(func(w pstate.Writer) {
		nav.Set(w, nav.Key(nav.Key(nav.From(m.sorted), "b"), 1), 2)
		nav.Delete(w, nav.Key(nav.Key(nav.From(m.sorted), "a"), 1))
		nav.Delete(w, nav.From(m.list))
	})
	m.commit()
	if after := m.store.Asked(); after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := selected(m.client(), nav.MapVals(nav.MapRangeTo(nav.MapVals(nav.From(m.sorted)), 3, 0))); got != "0 2 2" {
		t.Errorf("stored: %s", got)
	}
}

// What is left early has read no more than the page that it was left in.
func TestSelectIsLazy(t *testing.T) {
	t.Parallel()
	m := newCrowd(t)
	before := m.store.Asked()
	for _, err := range nav.Select(m.client(), nav.All(nav.From(m.set))) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if after := m.store.Asked(); after.Reads-before.Reads != 1 || after.Elements-before.Elements > store.ElementsMax {
		t.Errorf("asked %+v, then %+v", before, after)
	}
}

// A client's select is of one moment up to 1,000 elements, and beyond that in pages of
// one moment each, with their commits: what is written between two pages is seen by the
// second alone.
func TestPages(t *testing.T) {
	t.Parallel()
	m := newCrowd(t)
	path := nav.MapVals(nav.MapVals(nav.From(m.sorted)))
	first := m.head.Mark
	var sizes, commits []string
	n := 0
	for page, err := range nav.Pages(m.client(), path) {
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Values {
			if n == 0 && v != 0 || n > 0 && v != n && v != -n {
				t.Fatalf("element %d is %d", n, v)
			}
			if (v < 0) != (page.Commit.Number > first.Number) && n > 0 {
				t.Fatalf("element %d is %d, at commit %v; the first is %v", n, v, page.Commit, first)
			}
			n++
		}
		sizes, commits = append(sizes, fmt.Sprint(len(page.Values))), append(commits, fmt.Sprint(page.Commit.Number))
		if len(sizes) == 2 {
			m.do(func(w pstate.Writer) {
				nav.Update(w, nav.MapVals(nav.Key(nav.From(m.sorted), "a")), func(n int) int { return -n })
			})
			m.commit()
		}
	}
	if got := strings.Join(sizes, " "); got != "1000 1000 1000 1000 1000" {
		t.Errorf("pages of %s elements", got)
	}
	// The second page ends where the third was asked for, before the write.
	if got := strings.Join(commits, " "); got != "5 5 5 6 6" {
		t.Errorf("pages of commits %s", got)
	}
	m.do(func(w pstate.Writer) {
		pages := 0
		for page, err := range nav.Pages(w, nav.MapVals(nav.MapRangeFromStart(nav.Key(nav.From(m.sorted), "a"), 10))) {
			pages++
			if err != nil || len(page.Values) != 10 {
				t.Errorf("an event's page: %v, %v", page, err)
			}
		}
		if pages != 1 {
			t.Errorf("%d pages", pages)
		}
	})
}

// Few elements under several keys come in one page as long as nothing was committed
// between, and in several, each true to its commit, otherwise.
func TestPagesOfSeveralRanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var sorted pstate.MapOf[string, pstate.SortedMap[int, int]]
	b.declare(&sorted, "sorted")
	write := func(n int) {
		b.do(func(w pstate.Writer) {
			for _, k := range []string{"a", "b", "c"} {
				sorted.Key(k).Key(1).Set(w, n)
			}
		})
		b.commit()
	}
	write(1)
	path := nav.MapVals(nav.MapVals(nav.From(sorted)))
	var pages []nav.Page[int]
	for page, err := range nav.Pages(b.client(), path) {
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
	if len(pages) != 1 || fmt.Sprint(pages[0].Values) != "[1 1 1]" || pages[0].Commit != b.head.Mark {
		t.Errorf("pages %v", pages)
	}
	once := false
	slow := nav.Filter(path, func(int) bool {
		if !once {
			once = true
			write(2)
		}
		return true
	})
	pages = nil
	for page, err := range nav.Pages(b.client(), slow) {
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
	if len(pages) != 2 || fmt.Sprint(pages[0].Values, pages[1].Values) != "[1] [2 2]" || pages[0].Commit == pages[1].Commit || pages[1].Commit != b.head.Mark {
		t.Errorf("pages with a commit between %v", pages)
	}
}
