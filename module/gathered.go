package module

import "github.com/coppice-run/coppice/module/agg"

// gathered is what an aggregator has made of rows so far, by key, in the order in which the
// keys came first: what follows hangs on the rows alone.
type gathered[K comparable, A any] struct {
	all []agg.Pair[K, A]
	at  map[K]int
}

// take puts a value under a key, or changes the one that is there.
func (g *gathered[K, A]) take(k K, first func() A, more func(A) A) {
	i, there := g.at[k]
	if there {
		g.all[i].Val = more(g.all[i].Val)
		return
	}
	if g.at == nil {
		g.at = map[K]int{}
	}
	g.at[k] = len(g.all)
	g.all = append(g.all, agg.Pair[K, A]{Key: k, Val: first()})
}

// drop takes out what is under a key.
func (g *gathered[K, A]) drop(k K) {
	if i, there := g.at[k]; there {
		delete(g.at, k)
		last := len(g.all) - 1
		if g.all[i] = g.all[last]; i < last {
			g.at[g.all[i].Key] = i
		}
		clear(g.all[last:])
		g.all = g.all[:last]
	}
}

// portion is what a task has made of some rows of a key, and of how many.
type portion[A any] struct {
	made A
	rows int
}

// groupCell is what a GroupBy keeps on a task.
type groupCell[K comparable, A any] struct {
	parts   gathered[K, portion[A]] // of the rows of this task, to be sent
	groups  gathered[K, A]          // of the keys of this task, to be given out
	results []agg.Pair[K, A]
	settled bool
}

// BatchCell makes it a cell.
func (*groupCell[K, A]) BatchCell() {}

// settle makes the results out of what was gathered, once: they no longer change, and a
// handler may ask more than once.
func (c *groupCell[K, A]) settle(result func(A) (A, bool)) []agg.Pair[K, A] {
	if c.settled {
		return c.results
	}
	c.settled = true
	for _, group := range c.groups.all {
		if a, ok := result(group.Val); ok {
			c.results = append(c.results, agg.Pair[K, A]{Key: group.Key, Val: a})
		}
	}
	return c.results
}
