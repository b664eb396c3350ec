package pstate_test

import (
	"time"

	"github.com/coppice-run/coppice/pstate"
)

// Visits are PStates: handles, whose types say what is kept and how it is found.
type Visits struct {
	Seen   pstate.Map[string, int]                                        // by page
	Latest pstate.MapOf[string, pstate.SortedMap[time.Time, string]]      // by visitor: pages by time
	Pages  pstate.MapOf[string, pstate.MapOf[string, pstate.Set[string]]] // by visitor, by site
}

// ofWeek are the pages that somebody has looked at, the latest first. In a handler the reader is
// its event; elsewhere a client has one.
func (m *Visits) ofWeek(r pstate.Reader, who string, monday time.Time) (pages []string, err error) {
	for e, err := range m.Latest.Key(who).Range(r, pstate.From(monday).To(monday.AddDate(0, 0, 7)).Reverse().Limit(100)) {
		if err != nil {
			return nil, err
		}
		pages = append(pages, e.Val)
	}
	return pages, nil
}

// look notes a visit. Writes return no errors: one that fails, fails the event.
func (m *Visits) look(w pstate.Writer, who, site, page string, at time.Time) {
	m.Seen.Key(page).Update(w, func(n int) int { return n + 1 })
	m.Latest.Key(who).Key(at).Set(w, page)
	m.Pages.Key(who).Key(site).Add(w, page)
}

func Example() {
	m := &Visits{} // a module declares them, which binds the handles
	_, _ = m.ofWeek, m.look
}
