package agg_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/task"
)

// slot is one task with its PStates; it is what an event writes through.
type slot struct {
	*testing.T
	view  *overlay.View
	decls int
}

func (s *slot) StateView() *overlay.View { return s.view }
func (*slot) StateWriter()               {}

func newSlot(t *testing.T) *slot {
	tag, st := task.Tag("M", 0, 1), memstore.New()
	session, _, err := st.Take(context.Background(), wire.Slot(tag), task.Head{Mark: task.Mark{Token: task.Token{1}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &slot{T: t, view: overlay.New(tag, 16)}
	s.view.Owner = "own"
	s.view.Suspend = func() {
		reads := s.view.Reads(nil)
		if err := session.Read(context.Background(), reads); err != nil {
			t.Fatal(err)
		}
		s.view.Supply(reads)
	}
	return s
}

func (s *slot) declare(h pstate.Schema, name string) {
	s.Helper()
	if wrong := pstate.Declare(h, &overlay.Decl{Module: "M", ID: s.decls, Name: name, Owner: "own"}); len(wrong) > 0 {
		s.Fatal(errors.Join(wrong...))
	}
	s.decls++
}

func (s *slot) done() {
	s.Helper()
	if err := s.view.Failure(); err != nil {
		s.Error(err)
	}
	var b store.Batch
	if err := s.view.Seal(&b, new(overlay.Arena)); err != nil {
		s.Error(err)
	}
}

func want[T any](s *slot, what string, got T, err error, want T) {
	s.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		s.Errorf("%s: %v, error %v, want %v", what, got, err, want)
	}
}

type film struct {
	User, Title string
	Stars       int
}

func (f film) user() string  { return f.User }
func (f film) title() string { return f.Title }
func (f film) stars() int    { return f.Stars }

type person struct {
	pstate.Fixed[person]
	Watched pstate.Map[string, int64]
	Best    pstate.Value[int]
	Mean    pstate.Value[agg.Mean]
	Titles  pstate.SortedSet[string]
	Log     pstate.List[film]
	Ranked  agg.Ranking[string, int]
}

// promise 13.01: nested aggregation begins by itself, on every level, in every structure.
func TestCompound(t *testing.T) {
	t.Parallel()
	s := newSlot(t)
	var people pstate.MapOf[string, person]
	var nested pstate.MapOf[string, pstate.MapOf[int, pstate.SortedMap[string, int64]]]
	var whole pstate.Map[string, map[string]int64]
	s.declare(&people, "people")
	s.declare(&nested, "nested")
	s.declare(&whole, "whole")
	watch := agg.Under(film.user, agg.Each(
		agg.Field(func(p person) pstate.Map[string, int64] { return p.Watched }, agg.Key(film.title, agg.Leaf(agg.Count[film]()))),
		agg.Field(func(p person) pstate.Value[int] { return p.Best }, agg.Leaf(agg.Of(agg.Largest[int](), film.stars))),
		agg.Field(func(p person) pstate.Value[agg.Mean] { return p.Mean }, agg.Leaf(agg.Of(agg.Avg[int](), film.stars))),
		agg.Field(func(p person) pstate.SortedSet[string] { return p.Titles }, agg.SortedMember(film.title)),
		agg.Field(func(p person) pstate.List[film] { return p.Log }, agg.Pushed(func(f film) film { return f })),
		agg.Field(func(p person) agg.Ranking[string, int] { return p.Ranked }, agg.Ranked(2, func(f film) agg.Rank[string, int] {
			return agg.Rank[string, int]{ID: f.Title, Score: f.Stars}
		})),
	))
	deep := agg.Under(film.user, agg.Under(film.stars, agg.SortedKey(film.title, agg.Leaf(agg.Count[film]()))))
	titles := agg.Key(film.user, agg.Leaf(agg.Of(agg.MultiSet[string](), film.title)))
	for _, f := range []film{{"ann", "Vertigo", 3}, {"ann", "Vertigo", 5}, {"bob", "Ran", 2}, {"ann", "Ikiru", 4}, {"ann", "Ran", 1}} {
		watch(s, people, f)
		deep(s, nested, f)
		titles(s, whole, f)
	}
	ann := people.Key("ann")
	n, err := ann.Watched.Key("Vertigo").Get(s)
	want(s, "ann watched Vertigo", n, err, 2)
	best, err := ann.Best.Get(s)
	want(s, "ann's best", best, err, 5)
	mean, err := ann.Mean.Get(s)
	want(s, "ann's mean", mean.Value(), err, 3.25)
	log, err := ann.Log.Len(s)
	want(s, "ann's log", log, err, 4)
	var all []string
	for title, err := range ann.Titles.Range(s, pstate.All[string]()) {
		if err != nil {
			t.Error(err)
		}
		all = append(all, title)
	}
	want(s, "ann's titles", all, nil, []string{"Ikiru", "Ran", "Vertigo"})
	top, err := ann.Ranked.Top(s, 5)
	want(s, "ann's ranking", top, err, []agg.Rank[string, int]{{Score: 5, ID: "Vertigo"}, {Score: 4, ID: "Ikiru"}})
	n, err = nested.Key("ann").Key(5).Key("Vertigo").Get(s)
	want(s, "five stars for Vertigo", n, err, 1)
	counts, err := whole.Key("ann").Get(s)
	want(s, "ann's titles as one value", counts, err, map[string]int64{"Vertigo": 2, "Ikiru": 1, "Ran": 1})
	s.done()
}

// promise 13.04: what has become void leaves the PState; a set that loses its last member
// does, too.
func TestVoidLeavesThePState(t *testing.T) {
	t.Parallel()
	s := newSlot(t)
	var stock pstate.Map[string, int]
	var tags pstate.Map[string, map[string]struct{}]
	s.declare(&stock, "stock")
	s.declare(&tags, "tags")
	left := agg.Sum[int]().VoidIf(func(n int) bool { return n == 0 })
	agg.Into(s, stock.Key("pen"), left, 2)
	agg.Into(s, stock.Key("ink"), left, 1)
	if n := agg.Into(s, stock.Key("pen"), left, -2); n != 0 {
		t.Errorf("%d pens are left", n)
	}
	agg.Into(s, tags.Key("x"), agg.Set[string](), "red")
	agg.Into(s, tags.Key("x"), agg.SetRemove[string](), "red")
	_, there, err := stock.Key("pen").Lookup(s)
	want(s, "pens are there", there, err, false)
	_, there, err = stock.Key("ink").Lookup(s)
	want(s, "ink is there", there, err, true)
	_, there, err = tags.Key("x").Lookup(s)
	want(s, "tags are there", there, err, false)
	s.done()
}

// promise 13.11: a ranking is sorted and exact whichever way scores go.
func TestRanking(t *testing.T) {
	t.Parallel()
	s := newSlot(t)
	var r agg.Ranking[string, int]
	s.declare(&r, "ranking")
	scores := map[string]int{}
	for i := range 60 {
		id, score := string(rune('a'+i*7%10)), i*37%23
		scores[id] = score
		r.Put(s, id, score, 0)
	}
	type entry = agg.Rank[string, int]
	var all []entry
	for id, score := range scores {
		all = append(all, entry{score, id})
	}
	slices.SortFunc(all, func(a, b entry) int {
		if a.Score != b.Score {
			return b.Score - a.Score
		}
		return int(b.ID[0]) - int(a.ID[0])
	})
	top, err := r.Top(s, 4)
	want(s, "the first four", top, err, all[:4])
	r.Drop(s, all[0].ID)
	top, err = r.Top(s, 2)
	want(s, "the first two of the others", top, err, all[1:3])
	s.done()
}
