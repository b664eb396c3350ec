package model

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// large is two structures of very many elements, each within another. (A sorted set is
// one of the two tables of a sorted map.)
type large struct {
	*owner
	tables pstate.MapOf[string, pstate.SortedMap[int, int]]
	lists  pstate.MapOf[string, pstate.List[int]]
	table  pstate.SortedMap[int, int]
	list   pstate.List[int]
	size   int
	out    io.Writer
	err    error
}

// Large fills a sorted map and a list with so many elements each, and prints how long
// operations take at a thousandth of that size and at the whole: what they cost must not
// hang on the size. Then it deletes them.
func Large(ctx context.Context, config Config, elements int, out io.Writer) error {
	x := &run{config: config, random: rand.New(rand.NewPCG(config.Seed, 0)), shelf: &shelf{}}
	var err error
	l := &large{out: out}
	if x.owner, err = newOwner(ctx, x); err != nil {
		return err
	}
	defer x.owner.close()
	l.owner = x.owner
	for i, h := range []pstate.Schema{&l.tables, &l.lists} {
		d := &overlay.Decl{Module: "Large", ID: i, Name: fmt.Sprintf("large%d", i), Owner: ownTopology}
		if mistakes := pstate.Declare(h, d); len(mistakes) > 0 {
			return mistakes[0]
		}
		x.shelf.decls = append(x.shelf.decls, d)
	}
	l.table, l.list = l.tables.Key("all"), l.lists.Key("all")
	if err := l.begin(); err != nil {
		return err
	}
	for _, size := range []int{elements / 1000, elements} {
		l.fill(size)
		l.measure()
	}
	begin := time.Now()
	l.event(func() { l.tables.Delete(l, "all"); l.lists.Delete(l, "all") })
	fmt.Fprintf(out, "  deleting all of it: %v\n", time.Since(begin).Round(time.Microsecond))
	return l.err
}

// event runs an event and commits it.
func (l *large) event(do func()) {
	l.view.Owner = ownTopology
	save := l.view.Begin()
	do()
	l.fail(l.view.Failure())
	l.view.Release(save)
	l.fail(l.commit())
}

func (l *large) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// perCommit is how many elements one commit adds to each structure.
const perCommit = 2000

func (l *large) fill(size int) {
	for l.size < size && l.err == nil {
		l.event(func() {
			for range min(perCommit, size-l.size) {
				l.table.Key(l.size).Set(l, l.size)
				l.list.Push(l, l.size)
				l.size++
			}
		})
	}
	l.confirm()
}

// measure times operations, as a client reads and as an event writes.
func (l *large) measure() {
	fmt.Fprintf(l.out, "  %d elements in each of a sorted map and a list\n", l.size)
	c, key := client{l.owner}, func() int { return l.x.random.IntN(l.size) }
	l.time("get", func() {
		k := key()
		v, err := l.table.Key(k).Get(c)
		l.want(v, k, err)
	})
	l.time("length", func() {
		n, err := l.table.Len(c)
		l.want(n, l.size, err)
	})
	l.time("the last one", func() {
		for e, err := range l.table.Range(c, pstate.All[int]().Reverse().Limit(1)) {
			l.want(e.Key, l.size-1, err)
		}
	})
	l.time("range of 10", func() { l.rangeOver(c, 10) })
	l.time("range of 1000", func() { l.rangeOver(c, store.ElementsMax) })
	l.time("length of a list", func() {
		n, err := l.list.Len(c)
		l.want(n, l.size, err)
	})
	l.time("get of a list", func() {
		k := key()
		v, _, err := l.list.Get(c, k)
		l.want(v, k, err)
	})
	l.time("1000 of a list", func() {
		k := key()
		for e, err := range l.list.Range(c, pstate.From(k).Limit(store.ElementsMax)) {
			l.want(e.Val, e.Key, err)
		}
	})
	l.time("set, commit", func() {
		k := key()
		l.event(func() { l.table.Key(k).Set(l, k) })
	})
	l.time("add, delete, two commits", func() {
		l.event(func() { l.table.Key(l.size).Set(l, l.size) })
		l.event(func() { l.table.Key(l.size).Delete(l) })
	})
	l.time("set of a list, commit", func() {
		k := key()
		l.event(func() { l.list.Set(l, k, k) })
	})
	l.time("push, pop, commit", func() { l.event(func() { l.list.PushFront(l, 1); l.list.PopFront(l) }) })
}

func (l *large) rangeOver(r pstate.Reader, n int) {
	k := l.x.random.IntN(l.size)
	for e, err := range l.table.Range(r, pstate.From(k).Limit(n)) {
		l.want(e.Val, k, err)
		k++
	}
}

func (l *large) want(got, want int, err error) {
	if err == nil && got != want {
		err = fmt.Errorf("read %d, want %d", got, want)
	}
	l.fail(err)
}

// timed is how often an operation is timed.
const timed = 500

func (l *large) time(name string, do func()) {
	took := make([]time.Duration, timed)
	for i := range took {
		begin := time.Now()
		do()
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	fmt.Fprintf(l.out, "    %-24s p50 %10v  p99 %10v\n", name, took[timed/2].Round(time.Microsecond), took[timed*99/100].Round(time.Microsecond))
}
