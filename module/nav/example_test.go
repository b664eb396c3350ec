package nav_test

import (
	"time"

	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// A path leads from a handle to elements of it; the same path reads and changes them: with a
// handler's event, or, to read, with client.At.
func Example() {
	m := &Shop{} // a module declares it, which binds the handles
	amounts := func(since time.Time) nav.Path[nav.Root, int, nav.Value] {
		orders := nav.MapVals(nav.MapRange(nav.From(m.Orders.Key("ann")), since, since.AddDate(0, 0, 7)))
		return nav.Within(orders, func(o *Order) *int { return &o.Amount })
	}
	_ = func(r pstate.Reader, monday time.Time) ([]int, error) { return nav.SelectAll(r, amounts(monday)) }
	_ = func(w pstate.Writer, monday time.Time) {
		nav.Update(w, amounts(monday), func(n int) int { return n + 10 })
	}
}
