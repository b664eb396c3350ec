package reach

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Flow is the same module as dataflow, its queries among it.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Follows, "follows", func(f Follow) string { return f.Whom })
	module.HashDepot(b, &m.Shares, "shares", func(s Share) string { return s.Page })
	s := b.Stream("graph")
	s.PState(&m.Followers, "followers")
	s.PState(&m.Sharers, "sharers")
	flow.Source(s, m.Follows, func(b *flow.Block, f flow.Var[Follow]) {
		flow.Do1(b, func(ev *module.Event, f Follow) error { m.Followers.Key(f.Whom).Add(ev, f.Who); return nil }, f)
	})
	flow.Source(s, m.Shares, func(b *flow.Block, share flow.Var[Share]) {
		flow.Do1(b, func(ev *module.Event, s Share) error { m.Sharers.Key(s.Page).Add(ev, s.Who); return nil }, share)
	})
	flow.Query(b, &m.Reach, "reach", m.reach)
	flow.Query(b, &m.Pages, "pages", m.pages)
}

// reach goes to all who shared the page, and to their followers, whom it counts once each.
func (m *Flow) reach(b *flow.Block, page flow.Var[string], answer flow.Answer[int]) {
	flow.BatchBlock(b, "reach", func(b *flow.Block) {
		sharer := flow.Select(b, &m.Sharers, page, flow.Path(members(m.Sharers), page))
		follower := flow.Select(b, &m.Followers, sharer, flow.Path(members(m.Followers), sharer))
		follower, _ = flow.GroupBy(b, follower, module.ByKey[string](), agg.Count[string](), follower)
		n, _ := flow.Aggregate(b, agg.Count[string](), follower)
		answer(b, flow.F1(func(n int64) int { return int(n) }, n))
	})
}

func members(sets pstate.MapOf[string, pstate.SortedSet[string]]) func(string) nav.Path[nav.Root, string, nav.Value] {
	return func(key string) nav.Path[nav.Root, string, nav.Value] { return nav.All(nav.From(sets.Key(key))) }
}

// pages adds up what each task has.
func (m *Flow) pages(b *flow.Block, none flow.Var[struct{}], answer flow.Answer[int]) {
	flow.BatchBlock(b, "pages", func(b *flow.Block) {
		flow.HopAll(b)
		n := flow.Read1(b, func(r pstate.Reader, _ struct{}) (int, error) { return m.Sharers.Len(r) }, none)
		sum, _ := flow.Aggregate(b, agg.Sum[int](), n)
		answer(b, sum)
	})
}
