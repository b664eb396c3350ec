package nav_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// purse is money that moves between accounts of one bank with every commit.
type purse struct {
	*bench
	banks pstate.MapOf[string, pstate.SortedMap[int, int]]
	moves int
}

func newPurse(t *testing.T, accounts int) *purse {
	m := &purse{bench: newBench(t)}
	m.declare(&m.banks, "banks")
	m.do(func(w pstate.Writer) {
		for _, bank := range []string{"a", "b", "c"} {
			for i := range accounts {
				m.banks.Key(bank).Key(i).Set(w, 100)
			}
		}
	})
	m.commit()
	return m
}

// move takes from one bank and gives to the next.
func (m *purse) move() {
	from, to := m.moves%3, (m.moves+1)%3
	banks := []string{"a", "b", "c"}
	m.moves++
	m.do(func(w pstate.Writer) {
		m.banks.Key(banks[from]).Key(0).Update(w, func(n int) int { return n - 7 })
		m.banks.Key(banks[to]).Key(0).Update(w, func(n int) int { return n + 7 })
	})
	m.commit()
}

func sum(all []int) (n int) {
	for _, v := range all {
		n += v
	}
	return n
}

// A client's select of up to 1,000 elements is of one moment, also where a path takes
// several answers of the store: commits between any two of them are not seen in half.
func TestASmallSelectIsOfOneMoment(t *testing.T) {
	t.Parallel()
	m := newPurse(t, 10)
	whole := nav.MapVals(nav.MapVals(nav.From(m.banks)))
	all, err := nav.SelectAll(m.client(), whole)
	if err != nil || sum(all) != 3000 {
		t.Fatalf("at rest: %d, %v", sum(all), err)
	}
	m.before = m.move
	banks := nav.Inside[pstate.MapOf[string, pstate.SortedMap[int, int]]]()
	account := func(bank string) nav.Path[pstate.MapOf[string, pstate.SortedMap[int, int]], int, nav.Value] {
		return nav.Key(nav.Key(banks, bank), 0)
	}
	for what, c := range map[string]struct {
		path nav.Path[nav.Root, []int, nav.Value]
		want int
	}{
		"ranges": {nav.Subselect(nav.From(m.banks), nav.MapVals(nav.MapVals(banks))), 3000},
		"keys":   {nav.Subselect(nav.From(m.banks), nav.Multi(banks, account("a"), account("b"), account("c"))), 300},
	} {
		for range 5 {
			all, err := nav.SelectOne(m.client(), c.path)
			if err != nil || sum(all) != c.want {
				t.Errorf("%s: %d in all, %v; want %d", what, sum(all), err, c.want)
			}
		}
	}
	for range 5 {
		all, err := nav.SelectAll(m.client(), whole)
		if err != nil || sum(all) != 3000 {
			t.Errorf("everything: %d in all, %v; want 3000", sum(all), err)
		}
	}
	// In pages, what was torn says so.
	commits := map[string]bool{}
	for page, err := range nav.Pages(m.client(), whole) {
		if err != nil {
			t.Fatal(err)
		}
		commits[page.Commit.String()] = true
	}
	if len(commits) != 3 {
		t.Errorf("pages of %d commits, want one for each bank", len(commits))
	}
}

// A path that leads elsewhere with every commit has no moment: ErrMoved, and never half
// of something.
func TestNoMoment(t *testing.T) {
	t.Parallel()
	m := newPurse(t, 2)
	n := 0
	m.before = func() {
		n++
		m.do(func(w pstate.Writer) {
			m.banks.Delete(w, fmt.Sprint("z", n-1))
			m.banks.Key(fmt.Sprint("z", n)).Key(1).Set(w, n)
		})
		m.commit()
	}
	if all, err := nav.SelectAll(m.client(), nav.MapVals(nav.MapVals(nav.From(m.banks)))); !errors.Is(err, nav.ErrMoved) {
		t.Errorf("%v, %v", all, err)
	}
}

// Above 1,000 elements a select comes in pages, of as many moments.
func TestALargeSelectIsOfSeveral(t *testing.T) {
	t.Parallel()
	m := newPurse(t, 600)
	m.before = m.move
	all, err := nav.SelectAll(m.client(), nav.MapVals(nav.MapVals(nav.From(m.banks))))
	if err != nil || len(all) != 1800 {
		t.Errorf("%d elements, %v", len(all), err)
	}
}

// One reader serves many goroutines.
func TestOneReaderForMany(t *testing.T) {
	t.Parallel()
	m := newPurse(t, 10)
	r := m.client()
	found := make(chan int)
	for range 8 {
		go func() {
			total := 0
			for range 50 {
				all, err := nav.SelectAll(r, nav.MapVals(nav.MapVals(nav.From(m.banks))))
				if err != nil {
					t.Error(err)
				}
				total += sum(all)
			}
			found <- total
		}()
	}
	for range 8 {
		if n := <-found; n != 50*3000 {
			t.Errorf("found %d", n)
		}
	}
}
