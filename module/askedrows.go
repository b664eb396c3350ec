package module

import (
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/task"
)

// What a query makes of rows, wherever they are: the parts of batch blocks, for queries that
// are functions (promise 11.19). A part goes on when the function has returned, so what is
// behind it is the next line; Each goes on at the keys of what came out. Rows are taken in the
// order of the values, or tasks, that they came of: an answer hangs on what was read alone.

// RowsEach runs f for each value, as Each does, and returns the rows that they add, those of
// the first value first. They can be gone through as often as one likes (promise 11.21).
func RowsEach[E, T any](a *Asked, values []E, f func(part *Asked, value E, add func(T)) error) ([]T, error) {
	return rows(a, values, anyPlace, f)
}

// RowsTasks runs f for each task, as EachTask does, and returns the rows that they add, those
// of task 0 first.
func RowsTasks[T any](a *Asked, f func(part *Asked, id TaskID, add func(T)) error) ([]T, error) {
	return rows(a, a.all(), atTask, f)
}

// GroupEach runs f for each value, as Each does, and makes one value for each key of the rows that
// they add, by an aggregator of package agg (promise 13.13). What comes of no row is left out,
// and what is void. Keys come in the order of their first rows.
//
// An aggregator that merges makes its values in parts, one for each value of E and key, and
// merges those (promise 13.08).
func GroupEach[E any, K comparable, V, A any](a *Asked, values []E, by agg.Aggregator[V, A], f func(part *Asked, value E, add func(K, V)) error) ([]agg.Pair[K, A], error) {
	return group(a, values, anyPlace, by, f)
}

// GroupTasks is GroupEach for each task, as EachTask is Each.
func GroupTasks[K comparable, V, A any](a *Asked, by agg.Aggregator[V, A], f func(part *Asked, id TaskID, add func(K, V)) error) ([]agg.Pair[K, A], error) {
	return group(a, a.all(), atTask, by, f)
}

// AggregateEach runs f for each value, as Each does, and makes one value of all rows that they
// add; of none, what the aggregator makes of none, and there is false where that is nothing, or
// where it is void (promise 13.05).
func AggregateEach[E, V, A any](a *Asked, values []E, by agg.Aggregator[V, A], f func(part *Asked, value E, add func(V)) error) (total A, there bool, err error) {
	return aggregate(a, values, anyPlace, by, f)
}

// AggregateTasks is AggregateEach for each task, as EachTask is Each.
func AggregateTasks[V, A any](a *Asked, by agg.Aggregator[V, A], f func(part *Asked, id TaskID, add func(V)) error) (total A, there bool, err error) {
	return aggregate(a, a.all(), atTask, by, f)
}

// JoinRows brings rows of two sides together: every left one with every right one that has the
// same key, and those without a partner as the kind says (promise 11.20). Keys come in the order of
// their first rows, those of the left side first.
func JoinRows[K comparable, L, R any](left []agg.Pair[K, L], right []agg.Pair[K, R], kind JoinKind) (all []Joined[K, L, R]) {
	var sides gathered[K, joinSides[L, R]]
	take := func(k K, add func(joinSides[L, R]) joinSides[L, R]) {
		sides.take(k, func() joinSides[L, R] { return add(joinSides[L, R]{}) }, add)
	}
	for _, p := range left {
		take(p.Key, func(s joinSides[L, R]) joinSides[L, R] { s.left = append(s.left, p.Val); return s })
	}
	for _, p := range right {
		take(p.Key, func(s joinSides[L, R]) joinSides[L, R] { s.right = append(s.right, p.Val); return s })
	}
	for _, s := range sides.all {
		s.Val.pairs(kind, func(l *L, r *R) { all = append(all, joined(s.Key, l, r)) })
	}
	return all
}

func anyPlace[E any](E) task.ID { return task.None }

func atTask(id TaskID) task.ID { return id }

// all are the tasks of the module.
func (a *Asked) all() []TaskID {
	ids := make([]TaskID, a.tasks)
	for i := range ids {
		ids[i] = TaskID(i)
	}
	return ids
}

func rows[E, T any](a *Asked, values []E, at func(E) task.ID, f func(*Asked, E, func(T)) error) ([]T, error) {
	parts, err := each(a, values, at, func(part *Asked, value E) (rows []T, err error) {
		err = f(part, value, func(row T) { rows = append(rows, row) })
		return rows, err
	})
	return slices.Concat(parts...), err
}

// ErrNoAggregator: rows were to be aggregated by nothing.
var ErrNoAggregator = errors.New("no aggregator")

func group[E any, K comparable, V, A any](a *Asked, values []E, at func(E) task.ID, by agg.Aggregator[V, A], f func(*Asked, E, func(K, V)) error) ([]agg.Pair[K, A], error) {
	groups, how, err := grouped(a, values, at, by, f)
	if err != nil {
		return nil, err
	}
	cell := groupCell[K, A]{groups: *groups}
	return cell.settle(how.Result), nil
}

func aggregate[E, V, A any](a *Asked, values []E, at func(E) task.ID, by agg.Aggregator[V, A], f func(*Asked, E, func(V)) error) (total A, there bool, err error) {
	groups, how, err := grouped(a, values, at, by, func(part *Asked, value E, add func(struct{}, V)) error {
		return f(part, value, func(v V) { add(struct{}{}, v) })
	})
	switch {
	case err != nil:
		return total, false, err
	case len(groups.all) == 0:
		total, there = how.Nothing()
	default:
		total, there = how.Result(groups.all[0].Val)
	}
	return total, there, nil
}

// grouped makes what the rows of each key come to: in parts if the aggregator merges.
func grouped[E any, K comparable, V, A any](a *Asked, values []E, at func(E) task.ID, by agg.Aggregator[V, A], f func(*Asked, E, func(K, V)) error) (groups *gathered[K, A], how agg.Accumulator[V, A], err error) {
	if by != nil {
		how = by.Accumulator()
	}
	if !how.Valid() {
		return nil, how, fmt.Errorf("%w: use agg.Sum, agg.Count or one of your own, with Add (or Combine)", ErrNoAggregator)
	}
	groups = &gathered[K, A]{}
	if how.Merge == nil {
		all, err := rows(a, values, at, func(part *Asked, value E, add func(agg.Pair[K, V])) error {
			return f(part, value, func(k K, v V) { add(agg.Pair[K, V]{Key: k, Val: v}) })
		})
		for _, p := range all {
			groups.take(p.Key, func() A { return how.First(p.Val) }, func(a A) A { return how.Add(a, p.Val) })
		}
		return groups, how, err
	}
	parts, err := each(a, values, at, func(part *Asked, value E) (*gathered[K, A], error) {
		g := &gathered[K, A]{}
		return g, f(part, value, func(k K, v V) {
			g.take(k, func() A { return how.Part(v) }, func(a A) A { return how.Add(a, v) })
		})
	})
	if err != nil {
		return nil, how, err
	}
	for _, g := range parts {
		for _, p := range g.all {
			groups.take(p.Key, func() A { return p.Val }, func(a A) A { return how.Merge(a, p.Val) })
		}
	}
	return groups, how, nil
}
