package agg_test

import (
	"math/rand/v2"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/agg/aggtest"
	"github.com/coppice-run/coppice/pstate"
)

// The code of docs/guides/aggregators.md.

type Film struct{ User, Title string }

func (f Film) user() string  { return f.User }
func (f Film) title() string { return f.Title }

type Guided struct {
	Films   module.Depot[Film]
	Stock   pstate.Map[string, int]
	Counts  pstate.Map[string, int]
	Watched pstate.MapOf[string, pstate.Map[string, int64]] // by user, by film
	Lengths module.AckOf[int, agg.Mean]

	watch agg.Compound[pstate.MapOf[string, pstate.Map[string, int64]], Film]
}

func (m *Guided) Define(b *module.Builder) {
	module.HashDepot(b, &m.Films, "films", Film.user)
	s := b.Stream("films")
	s.PState(&m.Stock, "stock")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Watched, "watched")
	module.DeclareAck(s, &m.Lengths, agg.Avg[int]())
	m.watch = agg.Under(Film.user, agg.Key(Film.title, agg.Leaf(agg.Count[Film]())))
	module.DeclareSource(s, m.Films, m.onFilm)
}

func (m *Guided) onFilm(ev *module.Event, film Film) error {
	item, word, name := film.Title, film.Title, film.Title
	agg.Into(ev, m.Stock.Key(item), agg.Sum[int](), -1) // begins by itself, returns the new value
	agg.Inc(ev, m.Counts.Key(word))                     // short forms: Inc, Add, Min, Max
	m.watch(ev, m.Watched, film)
	m.Lengths.Return(ev, len(name)) // any number of times, on any task
	return nil
}

func (m *Guided) length(acks module.Acks) (agg.Mean, bool) {
	mean, ok := m.Lengths.From(acks)
	return mean, ok
}

func TestTheGuideToAggregatorsDeclares(t *testing.T) {
	t.Parallel()
	m := &Guided{}
	if _, err := module.Compile(m); err != nil {
		t.Error(err)
	}
	if mean, ok := m.length(module.Acks{}); ok {
		t.Errorf("no acks have the mean %v", mean)
	}
}

func TestTheGuidesLaws(t *testing.T) {
	t.Parallel()
	words := []string{"to", "be", "or", "not", ""}
	ints := func(r *rand.Rand) int { return r.IntN(100) - 50 }
	longest := agg.Combiner[string]{Combine: func(a, b string) string {
		if len(b) > len(a) {
			return b
		}
		return a
	}}
	aggtest.Check(t, longest, func(r *rand.Rand) string { return words[r.IntN(len(words))] })
	aggtest.Check(t, agg.Largest[int](), ints, aggtest.Laws[int]{Commutes: true})
}
