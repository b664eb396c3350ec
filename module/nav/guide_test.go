package nav_test

import (
	"slices"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/guide"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// The code of docs/guides/paths.md.

type Order struct {
	Item   string
	Amount int
	Tags   []string
}

type Profile struct {
	pstate.Fixed[Profile]
	Name    pstate.Value[string]
	Friends pstate.SortedSet[string]
}

type Shop struct {
	Stock    pstate.Map[string, int]                                  // per product
	Orders   pstate.MapOf[string, pstate.SortedMap[time.Time, Order]] // per customer, by time
	Profiles pstate.MapOf[string, Profile]                            // per customer, fixed keys
	Latest   pstate.List[string]                                      // products
}

func (m *Shop) amounts(r pstate.Reader, monday, friday time.Time) ([]int, error) {
	orders := nav.MapVals(nav.MapRange(nav.From(m.Orders.Key("ann")), monday, friday))
	amounts := nav.Within(orders, func(o *Order) *int { return &o.Amount })
	return nav.SelectAll(r, nav.FilterGreater(amounts, 10))
}

// Rebated are the amounts of the orders that have a tag.
func Rebated(tag string) nav.Path[pstate.SortedMap[time.Time, Order], int, nav.Value] {
	orders := nav.MapVals(nav.Inside[pstate.SortedMap[time.Time, Order]]())
	tagged := nav.Filter(orders, func(o Order) bool { return slices.Contains(o.Tags, tag) })
	return nav.Within(tagged, func(o *Order) *int { return &o.Amount })
}

func (m *Shop) rebate(w pstate.Writer) {
	everyone := nav.MapVals(nav.From(m.Orders))
	nav.Update(w, nav.Then(everyone, Rebated("old")), func(n int) int { return n * 9 / 10 })
}

func (m *Shop) writes(w pstate.Writer) {
	stock := nav.Key(nav.From(m.Stock), "tea")
	nav.Set(w, stock, 5)
	nav.Update(w, stock, func(n int) int { return n - 1 })
	nav.Update(w, nav.NullToVal(nav.Key(nav.From(m.Stock), "milk"), 100), func(n int) int { return n - 1 })
	nav.Delete(w, nav.FilterEqual(nav.All(nav.From(m.Latest)), "tea"))
}

func (m *Shop) pages(r pstate.Reader, show func(nav.Page[Order])) error {
	for page, err := range nav.Pages(r, nav.MapVals(nav.From(m.Orders.Key("ann")))) {
		if err != nil {
			return err
		}
		show(page) // page.Values, as of page.Commit
	}
	return nil
}

func (m *Shop) friends(r pstate.Reader) ([]string, error) {
	ann := nav.Must(nav.From(m.Profiles), "ann")
	friends := nav.In(ann, func(p Profile) pstate.SortedSet[string] { return p.Friends })
	return nav.SelectAll(r, nav.All(nav.RangeFromStart(friends, 10)))
}

func (m *Shop) parts(w pstate.Writer) {
	amount := func(o *Order) *int { return &o.Amount }
	large := nav.FilterGreater(nav.Within(nav.Here[Order](), amount), 100)
	orders := nav.MapVals(nav.From(m.Orders.Key("ann")))
	nav.Update(w, nav.If(orders, large, nav.Here[Order]()), func(o Order) Order {
		o.Tags = append(o.Tags, "large")
		return o
	})
}

func (m *Shop) moves(w pstate.Writer) {
	nav.Set(w, nav.AfterElem(nav.From(m.Latest)), "tea")
	nav.Update(w, nav.Sublist(nav.From(m.Latest), 0, 3), func(s []string) []string { return s[:1] })
	nav.Set(w, nav.MapKey(nav.From(m.Stock), "tea"), "black tea")
}

func TestTheCodeOfTheGuide(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := &Shop{}
	b.declare(&m.Stock, "stock")
	b.declare(&m.Orders, "orders")
	b.declare(&m.Profiles, "profiles")
	b.declare(&m.Latest, "latest")
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	b.do(func(w pstate.Writer) {
		for i, amount := range []int{200, 10, 50} {
			m.Orders.Key("ann").Key(monday.AddDate(0, 0, i)).Set(w, Order{"tea", amount, []string{"old"}})
		}
		m.Orders.Key("bob").Key(monday).Set(w, Order{Item: "milk", Amount: 10})
		for _, name := range []string{"cat", "bob"} {
			m.Profiles.Key("ann").Friends.Add(w, name)
		}
		for _, item := range []string{"tea", "milk", "tea"} {
			m.Latest.Push(w, item)
		}
		m.rebate(w)
		m.writes(w)
		m.parts(w)
		m.moves(w)
	})
	b.everywhere(func(how string, r pstate.Reader) {
		amounts, err := m.amounts(r, monday, monday.AddDate(0, 0, 4))
		if err != nil || !slices.Equal(amounts, []int{180, 45}) {
			t.Errorf("%s: amounts %v, %v", how, amounts, err)
		}
		friends, err := m.friends(r)
		if err != nil || !slices.Equal(friends, []string{"bob", "cat"}) {
			t.Errorf("%s: friends %v, %v", how, friends, err)
		}
		n := 0
		if err := m.pages(r, func(page nav.Page[Order]) { n += len(page.Values) }); err != nil || n != 3 {
			t.Errorf("%s: pages of %d orders, %v", how, n, err)
		}
		for what, got := range map[string][2]string{
			"tea":    {selected(r, nav.Must(nav.From(m.Stock), "tea")), ""},
			"moved":  {selected(r, nav.Key(nav.From(m.Stock), "black tea")), "4"},
			"milk":   {selected(r, nav.Key(nav.From(m.Stock), "milk")), "99"},
			"latest": {selected(r, nav.All(nav.From(m.Latest))), "milk"},
			"ann":    {selected(r, nav.MapVals(nav.From(m.Orders.Key("ann")))), "{tea 180 [old large]} {tea 9 [old]} {tea 45 [old]}"},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %s: %s, want %s", how, what, got[0], got[1])
			}
		}
	})
}

// Every block of Go in the guide is in this file, but for its indentation.
func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	guide.Shows(t, "docs/guides/paths.md", "guide_test.go")
}
