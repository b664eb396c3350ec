// Package reach answers how many different people have seen a page: the followers of all
// who shared it, each counted once. It is a query that asks many keys at once.
package reach

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Follow says that Who follows Whom.
type Follow struct{ Who, Whom string }

// Share says that Who shared a page.
type Share struct{ Who, Page string }

// Module is the example.
type Module struct {
	Name string // of the module; default Reach

	Follows   module.Depot[Follow]
	Shares    module.Depot[Share]
	Followers pstate.MapOf[string, pstate.SortedSet[string]] // by whom they follow
	Sharers   pstate.MapOf[string, pstate.SortedSet[string]] // by page

	Reach module.Query[string, int]   // of a page: how many have seen it
	Pages module.Query[struct{}, int] // how many pages were shared
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "Reach") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Follows, "follows", func(f Follow) string { return f.Whom })
	module.HashDepot(b, &m.Shares, "shares", func(s Share) string { return s.Page })
	s := b.Stream("graph")
	s.PState(&m.Followers, "followers")
	s.PState(&m.Sharers, "sharers")
	module.DeclareSource(s, m.Follows, func(ev *module.Event, f Follow) error {
		m.Followers.Key(f.Whom).Add(ev, f.Who)
		return nil
	})
	module.DeclareSource(s, m.Shares, func(ev *module.Event, share Share) error {
		m.Sharers.Key(share.Page).Add(ev, share.Who)
		return nil
	})
	module.DeclareQuery(b, &m.Reach, "reach", m.reach)
	module.DeclareQuery(b, &m.Pages, "pages", m.pages)
}

// reach fans out to the followers of each who shared the page, and gathers them in a set.
func (m *Module) reach(q *module.Asked, page string) (int, error) {
	sharers, err := elements(q, m.Sharers.Key(page))
	if err != nil {
		return 0, err
	}
	all, err := module.Each(q, sharers, func(q *module.Asked, who string) ([]string, error) {
		return elements(q, m.Followers.Key(who))
	})
	if err != nil {
		return 0, err
	}
	seen := module.Gather(all, map[string]bool{}, func(seen map[string]bool, followers []string) map[string]bool {
		for _, f := range followers {
			seen[f] = true
		}
		return seen
	})
	return len(seen), nil
}

func elements(q *module.Asked, set pstate.SortedSet[string]) (all []string, err error) {
	for e, err := range set.Range(q, pstate.All[string]()) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// pages adds up what each task has.
func (m *Module) pages(q *module.Asked, _ struct{}) (int, error) {
	counts, err := module.EachTask(q, func(q *module.Asked, _ module.TaskID) (int, error) { return m.Sharers.Len(q) })
	if err != nil {
		return 0, err
	}
	return module.Gather(counts, 0, func(sum, n int) int { return sum + n }), nil
}
