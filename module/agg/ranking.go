package agg

import (
	"github.com/coppice-run/coppice/pstate"
)

// Ranking is a structure of a PState that keeps things in the order of their scores,
// always sorted and exact, whichever way scores go. It is declared like others, alone or
// in a MapOf:
//
//	Scores pstate.MapOf[string, agg.Ranking[string, int]]
//
// Setting a score reads one element and writes up to three; reading the first n reads n.
type Ranking[ID, S any] struct {
	pstate.Fixed[Ranking[ID, S]]
	Scores pstate.Map[ID, S]
	Order  pstate.SortedSet[Rank[ID, S]]
}

// Rank is a thing with its score. Its order is that of the scores; of equal scores, that
// of the ids.
type Rank[ID, S any] struct {
	Score S
	ID    ID
}

// Put gives a thing a score, in the place of the one that it had. It then drops the
// things with the smallest scores until at most so many are left; 0 keeps all. A thing
// that was dropped comes back with its next score.
func (r Ranking[ID, S]) Put(w pstate.Writer, id ID, score S, most int) {
	had, there, err := r.Scores.Key(id).Lookup(w)
	if err != nil {
		return // the event fails
	}
	if there {
		r.Order.Remove(w, Rank[ID, S]{had, id})
	}
	r.Scores.Key(id).Set(w, score)
	r.Order.Add(w, Rank[ID, S]{score, id})
	for most > 0 {
		if n, err := r.Order.Len(w); err != nil || n <= most {
			return
		}
		for lowest, err := range r.Order.Range(w, pstate.All[Rank[ID, S]]().Limit(1)) {
			if err != nil {
				return
			}
			r.Drop(w, lowest.ID)
		}
	}
}

// Drop takes a thing out.
func (r Ranking[ID, S]) Drop(w pstate.Writer, id ID) {
	if had, there, err := r.Scores.Key(id).Lookup(w); err == nil && there {
		r.Order.Remove(w, Rank[ID, S]{had, id})
		r.Scores.Key(id).Delete(w)
	}
}

// Top returns the n things with the largest scores, the largest first.
func (r Ranking[ID, S]) Top(reader pstate.Reader, n int) (all []Rank[ID, S], err error) {
	if n <= 0 {
		return nil, nil
	}
	for rank, err := range r.Order.Range(reader, pstate.All[Rank[ID, S]]().Reverse().Limit(n)) {
		if err != nil {
			return all, err
		}
		all = append(all, rank)
	}
	return all, nil
}
