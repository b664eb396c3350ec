package virtual

import (
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// click is a record: the n-th of a run, under one of a few keys.
type click struct{ Key, N int }

// keys is how many keys there are.
const keys = 8

// tally counts clicks where they are: nothing hops, so each counts exactly once.
type tally struct {
	Clicks module.Depot[click]
	Total  pstate.Map[int, int]                          // clicks by key
	Seen   pstate.MapOf[int, pstate.SortedMap[int, int]] // times that a click counted, by key and number

	before  func(*module.Event, click) error // nil: nothing
	options []module.SourceOption
}

func (m *tally) ModuleName() string { return "Tally" }

func (m *tally) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(c click) int { return c.Key })
	s := b.Stream("tally")
	s.PState(&m.Total, "total")
	s.PState(&m.Seen, "seen")
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, c click) error {
		if m.before != nil {
			if err := m.before(ev, c); err != nil {
				return err
			}
		}
		agg.Inc(ev, m.Total.Key(c.Key))
		agg.Inc(ev, m.Seen.Key(c.Key).Key(c.N))
		return nil
	}, m.options...)
}

// load is a load of clicks on the tally.
func (m *tally) load(u *user) *load {
	return newLoad(u, &m.Clicks, func(r pstate.Reader, c click) (bool, error) {
		n, err := m.Seen.Key(c.Key).Key(c.N).Get(r)
		return n == 1, err
	})
}

// counted is what the state holds: how often each click counted.
func (m *tally) counted(r pstate.Reader) (map[click]int, error) {
	all := map[click]int{}
	for key := range keys {
		total := 0
		for e, err := range m.Seen.Key(key).Range(r, pstate.All[int]()) {
			if err != nil {
				return nil, err
			}
			all[click{key, e.Key}] = e.Val
			total += e.Val
		}
		if n, err := m.Total.Key(key).Get(r); err != nil || n != total {
			return nil, fmt.Errorf("key %d: the total is %d (%v), its clicks were counted %d times", key, n, err, total)
		}
	}
	return all, nil
}
