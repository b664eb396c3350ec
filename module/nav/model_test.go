package nav_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// cut is what a range gives of sorted elements, in plain Go.
type cut struct {
	name      string
	low, high int
	n         int
}

func (c cut) of(all []int) []int {
	in := func(f func(int) bool) (out []int) {
		for _, k := range all {
			if f(k) {
				out = append(out, k)
			}
		}
		return out
	}
	head := func(s []int) []int {
		if c.n > 0 && len(s) > c.n {
			return s[:c.n]
		}
		return s
	}
	tail := func(s []int) []int {
		if c.n > 0 && len(s) > c.n {
			return s[len(s)-c.n:]
		}
		return s
	}
	switch c.name {
	case "range":
		return in(func(k int) bool { return k >= c.low && k < c.high })
	case "from":
		return head(in(func(k int) bool { return k >= c.low }))
	case "to":
		return tail(in(func(k int) bool { return k < c.high }))
	case "start":
		return all[:min(max(c.n, 0), len(all))]
	}
	return all[len(all)-min(max(c.n, 0), len(all)):]
}

var cuts = []string{"range", "from", "to", "start", "end"}

type sortedInts = pstate.SortedMap[int, int]

func (c cut) ofMap(p nav.Path[nav.Root, sortedInts, nav.Structure]) nav.Path[nav.Root, pstate.MapPart[int, int, nav.Value], nav.Derived] {
	switch c.name {
	case "range":
		return nav.MapRange(p, c.low, c.high)
	case "from":
		return nav.MapRangeFrom(p, c.low, c.n)
	case "to":
		return nav.MapRangeTo(p, c.high, c.n)
	case "start":
		return nav.MapRangeFromStart(p, c.n)
	}
	return nav.MapRangeToEnd(p, c.n)
}

func ofElements[H pstate.SortedElements[int, int, nav.Value]](c cut, p nav.Path[nav.Root, H, nav.Structure]) nav.Path[nav.Root, pstate.Part[int, int, nav.Value], nav.Derived] {
	switch c.name {
	case "range":
		return nav.Range(p, c.low, c.high)
	case "from":
		return nav.RangeFrom(p, c.low, c.n)
	case "to":
		return nav.RangeTo(p, c.high, c.n)
	case "start":
		return nav.RangeFromStart(p, c.n)
	}
	return nav.RangeToEnd(p, c.n)
}

// mirror is three structures and what they hold, in plain Go.
type mirror struct {
	*bench
	maps   pstate.MapOf[string, sortedInts]
	set    pstate.SortedSet[int]
	list   pstate.List[int]
	inMap  map[int]int
	inSet  map[int]bool
	inList []int
}

func (m *mirror) keys() []int { return sortedKeys(m.inMap) }

func sortedKeys[V any](all map[int]V) []int {
	keys := make([]int, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// change transforms one part of each structure, here and there.
func (m *mirror) change(w pstate.Writer, r *rand.Rand) {
	c := m.draw(r)
	add, factor := r.IntN(5)-2, r.IntN(3)
	odd := func(n int) bool { return n%2 != 0 }
	inMap := nav.MapVals(c.ofMap(nav.Key(nav.From(m.maps), "k")))
	inSet := nav.All(ofElements(c, nav.From(m.set)))
	inList := nav.All(ofElements(c, nav.From(m.list)))
	keys, members, indexes := c.of(m.keys()), c.of(sortedKeys(m.inSet)), c.of(count(len(m.inList)))
	f := func(n int) int { return n*factor + add }
	switch r.IntN(9) {
	case 4, 5, 6, 7, 8:
		m.changeParts(w, r)
	case 0: // put something in, without a path
		k := r.IntN(40) - 20
		m.maps.Key("k").Key(k).Set(w, k)
		m.set.Add(w, k)
		m.list.Push(w, k)
		m.inMap[k], m.inSet[k], m.inList = k, true, append(m.inList, k)
	case 1:
		nav.Update(w, inMap, f)
		nav.Update(w, inSet, f)
		nav.Update(w, inList, f)
		for _, k := range keys {
			m.inMap[k] = f(m.inMap[k])
		}
		for _, k := range members {
			delete(m.inSet, k)
		}
		for _, k := range members {
			m.inSet[f(k)] = true
		}
		for _, i := range indexes {
			m.inList[i] = f(m.inList[i])
		}
	case 2:
		nav.Delete(w, nav.Filter(inMap, odd))
		nav.Delete(w, nav.Filter(inSet, odd))
		nav.Delete(w, nav.Filter(inList, odd))
		for _, k := range keys {
			if odd(m.inMap[k]) {
				delete(m.inMap, k)
			}
		}
		for _, k := range members {
			if odd(k) {
				delete(m.inSet, k)
			}
		}
		for _, i := range slices.Backward(indexes) {
			if odd(m.inList[i]) {
				m.inList = slices.Delete(m.inList, i, i+1)
			}
		}
	case 3:
		k := r.IntN(40) - 20
		nav.Delete(w, nav.Elem(nav.From(m.set), k))
		nav.Update(w, nav.Must(nav.Key(nav.From(m.maps), "k"), k), f)
		nav.Delete(w, nav.Nth(nav.From(m.list), k))
		delete(m.inSet, k)
		if v, ok := m.inMap[k]; ok {
			m.inMap[k] = f(v)
		}
		if k >= 0 && k < len(m.inList) {
			m.inList = slices.Delete(m.inList, k, k+1)
		}
	}
}

// changeParts puts something where nothing was, and replaces parts as a whole.
func (m *mirror) changeParts(w pstate.Writer, r *rand.Rand) {
	list, set, own := nav.From(m.list), nav.From(m.set), nav.Key(nav.From(m.maps), "k")
	n := len(m.inList)
	k, i, j := r.IntN(40)-20, r.IntN(n+3)-1, r.IntN(n+3)-1
	switch r.IntN(6) {
	case 0:
		nav.Set(w, nav.BeforeElem(list), k)
		nav.Set(w, nav.AfterElem(list), k+1)
		nav.Set(w, nav.VoidElem(set), k)
		m.inList = append(append([]int{k}, m.inList...), k+1)
		m.inSet[k] = true
	case 1:
		nav.Set(w, nav.BeforeIndex(list, i), k)
		if i >= 0 && i <= n {
			m.inList = slices.Insert(m.inList, i, k)
		}
	case 2:
		turned := func(all []int) []int {
			all = append(slices.Clone(all), make([]int, r.IntN(3))...)
			slices.Reverse(all)
			return all[:len(all)-min(len(all), k&1)]
		}
		var now []int
		nav.Update(w, nav.Sublist(list, i, j), func(all []int) []int { now = turned(all); return now })
		if high := min(j, n); i >= 0 && i <= n && high >= i {
			m.inList = slices.Replace(m.inList, i, high, now...)
		}
	case 3:
		nav.Set(w, nav.Beginning(list), []int{k, k})
		nav.Set(w, nav.End(list), []int{-k})
		m.inList = append(append([]int{k, k}, m.inList...), -k)
		if n := len(m.inList); i >= 0 && j >= 0 && j < n {
			nav.Set(w, nav.Index(list, i), j)
			if i < n {
				v := m.inList[i]
				m.inList = slices.Insert(slices.Delete(m.inList, i, i+1), j, v)
			}
		}
	case 4:
		nav.Set(w, nav.MapKey(own, k), j)
		if v, there := m.inMap[k]; there {
			delete(m.inMap, k)
			m.inMap[j] = v
		}
	case 5:
		nav.Set(w, nav.SubMap(own, k, i), map[int]int{i: 7, j: 8})
		nav.Set(w, nav.Subset(set, k, i), []int{i, j})
		delete(m.inMap, k)
		delete(m.inSet, k)
		m.inMap[i], m.inSet[i] = 7, true
		m.inMap[j], m.inSet[j] = 8, true
		if i == k {
			m.inSet[k] = true
		}
	}
}

func count(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func (m *mirror) draw(r *rand.Rand) cut {
	return cut{cuts[r.IntN(len(cuts))], r.IntN(40) - 20, r.IntN(40) - 20, r.IntN(6) - 1}
}

// check selects a part of each structure and compares.
func (m *mirror) check(rd pstate.Reader, c cut) {
	m.Helper()
	want := func(what, got string, want []int) {
		m.Helper()
		text := fmt.Sprint(want)
		if got = "[" + got + "]"; got != text {
			m.Errorf("%s %+v: %s, want %s", what, c, got, text)
		}
	}
	part := c.ofMap(nav.Key(nav.From(m.maps), "k"))
	keys := c.of(m.keys())
	want("keys", selected(rd, nav.MapKeys(part)), keys)
	var values, items []int
	for _, k := range keys {
		values = append(values, m.inMap[k])
	}
	want("values", selected(rd, nav.MapVals(part)), values)
	members := c.of(sortedKeys(m.inSet))
	want("members", selected(rd, nav.All(ofElements(c, nav.From(m.set)))), members)
	for _, i := range c.of(count(len(m.inList))) {
		items = append(items, m.inList[i])
	}
	list := ofElements(c, nav.From(m.list))
	want("items", selected(rd, nav.All(list)), items)
	want("first", selected(rd, nav.First(list)), items[:min(1, len(items))])
	want("last", selected(rd, nav.Last(list)), items[max(len(items)-1, 0):])
	sub := m.inList[min(max(c.low, 0), len(m.inList)):]
	if c.low >= 0 && c.high >= c.low && c.low <= len(m.inList) {
		sub = sub[:min(c.high-c.low, len(sub))]
		want("sublist", selected(rd, nav.Items(nav.Sublist(nav.From(m.list), c.low, c.high))), sub)
	}
	var some []int
	for _, k := range []int{c.high, c.low} {
		if m.inSet[k] {
			some = append(some, k)
		}
	}
	if c.low != c.high {
		want("subset", selected(rd, nav.Items(nav.Subset(nav.From(m.set), c.high, c.low))), some)
	}
	var both []int
	for _, k := range m.keys() {
		if k == c.low || k == c.high {
			both = append(both, m.inMap[k])
		}
	}
	want("submap", selected(rd, nav.Vals(nav.SubMap(nav.Key(nav.From(m.maps), "k"), c.low, c.high))), both)
}

// Random transforms along random paths do what loops over maps and slices do, and
// selects see it: in the open batch, from the store, and by a client.
func TestAgainstPlainGo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			runMirror(t, rand.New(rand.NewPCG(seed, 7)), 150)
		})
	}
}

// FuzzAgainstPlainGo is the same, for `make fuzz`.
func FuzzAgainstPlainGo(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { runMirror(t, rand.New(rand.NewPCG(a, b)), 40) })
}

func runMirror(t *testing.T, r *rand.Rand, steps int) {
	m := &mirror{bench: newBench(t), inMap: map[int]int{}, inSet: map[int]bool{}}
	m.declare(&m.maps, "maps")
	m.declare(&m.set, "set")
	m.declare(&m.list, "list")
	for range steps {
		m.do(func(w pstate.Writer) {
			for range r.IntN(4) {
				m.change(w, r)
			}
			m.check(w, m.draw(r))
		})
		switch r.IntN(4) {
		case 0:
			m.commit()
			m.check(m.client(), m.draw(r))
		case 1:
			m.commit()
			m.take()
		}
		if t.Failed() {
			return
		}
	}
}
