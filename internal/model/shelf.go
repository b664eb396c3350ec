package model

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
)

// subject is one PState with its model.
type subject interface {
	name() string
	act(x *run)
	look(x *run, r pstate.Reader)
	keys(tag string, out map[string]bool)
}

// shelf is the PStates of a run.
type shelf struct {
	decls    []*overlay.Decl
	subjects []subject
	mistakes []error
}

// kept is a PState with handles of type H.
type kept[H any] struct {
	label  string
	handle *H
	model  actor[H]
}

func (k *kept[H]) name() string                 { return k.label }
func (k *kept[H]) act(x *run)                   { k.model.act(x, *k.handle, k.label) }
func (k *kept[H]) look(x *run, r pstate.Reader) { k.model.look(x, r, *k.handle, k.label) }
func (k *kept[H]) keys(tag string, out map[string]bool) {
	k.model.keys(&keySet{tag: tag, pstate: k.label, out: out}, nil)
}

// declare puts a PState on the shelf.
func declare[H any, P interface {
	*H
	pstate.Schema
}](s *shelf, name string, model actor[H], options ...pstate.Option) {
	h := new(H)
	d := &overlay.Decl{Module: "Model", ID: len(s.decls), Name: name, Owner: ownTopology}
	for _, err := range pstate.Declare(P(h), d, options...) {
		s.mistakes = append(s.mistakes, fmt.Errorf("PState %s: %w", name, err))
	}
	s.decls = append(s.decls, d)
	s.subjects = append(s.subjects, &kept[H]{name, h, model})
}

// newShelf declares a PState of every kind.
func newShelf() (*shelf, error) {
	s := &shelf{}
	first := 7
	declare(s, "value", &valueModel[int]{draw: number, initial: &first}, pstate.Initial(first), pstate.Global())
	declare(s, "maybe", &valueModel[*int]{draw: maybe})
	declare(s, "map", newMap(word, text))
	declare(s, "moods", newMap(feeling, anyNote), pstate.Codec(msgpackcodec.Codec))
	declare(s, "texts", newMap(bits, text), pstate.Codec(codec.Text))
	declare(s, "sorted", newSortedMap(extreme, number, compareWide))
	pages := newSortedMap(wide, number, compareWide)
	pages.many = 2000
	declare(s, "pages", pages)
	declare(s, "floats", newSortedMap(float, maybe, compareFloat))
	declare(s, "trips", newSortedMap(anyTrip, anyNote, compareTrip), pstate.Codec(msgpackcodec.Codec))
	declare(s, "set", newSet(number))
	declare(s, "moments", newSortedSet(moment, compareMoment))
	declare(s, "ids", newSortedSet(bits, compareBits))
	declare(s, "list", &listModel[string]{draw: text})
	declare(s, "queue", &listModel[int]{draw: number, many: 2000})
	declare(s, "deep", newMapOf(word, compareText, func() actor[pstate.MapOf[int, pstate.SortedSet[string]]] {
		return newMapOf(small, compareInt, func() actor[pstate.SortedSet[string]] { return newSortedSet(word, compareText) })
	}))
	declare(s, "lists", newMapOf(feeling, compareMood, func() actor[pstate.List[note]] { return &listModel[note]{draw: anyNote} }))
	declare(s, "times", newMapOf(moment, compareMoment, func() actor[pstate.SortedMap[float64, int]] { return newSortedMap(float, number, compareFloat) }))
	declare(s, "rows", &listOfModel[pstate.Map[string, int]]{make: func() actor[pstate.Map[string, int]] { return newMap(word, number) }})
	declare(s, "boards", newMapOf(small, compareInt, func() actor[pstate.ListOf[pstate.ListOf[pstate.Set[int]]]] {
		return &listOfModel[pstate.ListOf[pstate.Set[int]]]{make: func() actor[pstate.ListOf[pstate.Set[int]]] {
			return &listOfModel[pstate.Set[int]]{make: func() actor[pstate.Set[int]] { return newSet(small) }}
		}}
	}))
	declare[person](s, "self", newPerson())
	declare(s, "people", newMapOf(word, compareText, func() actor[person] { return newPerson() }))
	return s, errors.Join(s.mistakes...)
}
