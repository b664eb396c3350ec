package navtext_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/navtext"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/task"
)

// The model of this file walks random paths over plain Go values, and holds what Program.Run
// gives against it.

// thing is a place of the model: of a structure its elements, of a value its JSON.
type thing struct {
	kind string // map, fixed, set, list, or value
	keys []any  // of a map, of a set the elements, of fixed keys the names
	kids []thing
	json any // of a value
}

// whole is the JSON of a thing.
func (x thing) whole() any {
	switch x.kind {
	case "map", "fixed":
		if _, text := first(x.keys).(string); x.kind == "fixed" || text || len(x.keys) == 0 && x.json == "text" {
			out := map[string]any{}
			for i, k := range x.keys {
				out[k.(string)] = x.kids[i].whole()
			}
			return out
		}
		out := []any{}
		for i, k := range x.keys {
			out = append(out, entryOf(k, x.kids[i]))
		}
		return out
	case "set":
		return append([]any{}, x.keys...)
	case "list":
		out := []any{}
		for _, kid := range x.kids {
			out = append(out, kid.whole())
		}
		return out
	}
	return x.json
}

func first(all []any) any {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

func entryOf(key any, x thing) any { return map[string]any{"key": key, "value": x.whole()} }

func value(v any) thing { return thing{kind: "value", json: v} }

// post is a value of the model's structures.
type post struct {
	A int
	B []int
	C map[string]int
}

type page struct {
	pstate.Fixed[page]
	Name pstate.Value[string]
	Tags pstate.SortedSet[int]
	Last pstate.List[post]
	ByID pstate.SortedMap[int, post]
}

// plain is what json.Unmarshal makes of a value.
func plain(v any) (out any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}

// fill writes random pages, and returns the model of them.
func fill(r *rand.Rand, w pstate.Writer, pages pstate.MapOf[string, page]) thing {
	all := thing{kind: "map", json: "text"}
	for _, name := range []string{"", "a", "b/%", "ü"} {
		if r.IntN(4) == 0 {
			continue
		}
		p, x := pages.Key(name), thing{kind: "fixed", keys: []any{"Name", "Tags", "Last", "ByID"}}
		p.Name.Set(w, name+"!")
		tags, last, byID := thing{kind: "set"}, thing{kind: "list"}, thing{kind: "map"}
		for i := -3; i < 4; i++ {
			if r.IntN(2) == 0 {
				p.Tags.Add(w, i*7)
				tags.keys = append(tags.keys, float64(i*7))
			}
			a := post{A: r.IntN(5), B: make([]int, r.IntN(4))}
			if r.IntN(3) > 0 {
				a.C = map[string]int{"x": i, "y": r.IntN(3)}
			}
			for j := range a.B {
				a.B[j] = r.IntN(6)
			}
			if r.IntN(2) == 0 {
				p.Last.Push(w, a)
				last.kids = append(last.kids, value(plain(a)))
			}
			if r.IntN(2) == 0 {
				p.ByID.Key(i).Set(w, a)
				byID.keys, byID.kids = append(byID.keys, float64(i)), append(byID.kids, value(plain(a)))
			}
		}
		x.kids = []thing{value(name + "!"), tags, last, byID}
		all.keys, all.kids = append(all.keys, name), append(all.kids, x)
	}
	return all
}

// walker makes a path, and walks along it over the model at the same time.
type walker struct {
	r    *rand.Rand
	text []string
	at   []thing
	// of is what the path has come to: map of fixed, fixed, set, list of posts, map of posts,
	// post, ints, object, text, number, or any for what was put together.
	of string
}

func (w *walker) step(text, of string, next func(thing) []thing) {
	var all []thing
	for _, x := range w.at {
		all = append(all, next(x)...)
	}
	w.text, w.at, w.of = append(w.text, text), all, of
}

func one(x thing) []thing { return []thing{x} }

// within walks a path within a step from each place.
func (w *walker) within(x thing, build func(*walker)) ([]thing, string) {
	inner := &walker{r: w.r, at: one(x), of: w.of}
	build(inner)
	return inner.at, inner.of
}

// part is what a range gives of things that have keys, in plain Go.
func part(x thing, keep func(key float64) bool, n int, last bool) thing {
	out := thing{kind: x.kind}
	for i, k := range keysOf(x) {
		if !keep(k) {
			continue
		}
		if len(x.keys) > 0 {
			out.keys = append(out.keys, x.keys[i])
		}
		if len(x.kids) > 0 {
			out.kids = append(out.kids, x.kids[i])
		}
	}
	cut := func(n int) (int, int) { return 0, n }
	size := max(len(out.keys), len(out.kids))
	if last {
		cut = func(n int) (int, int) { return size - n, size }
	}
	if n >= 0 && n < size {
		from, to := cut(n)
		if len(out.keys) > 0 {
			out.keys = out.keys[from:to]
		}
		if len(out.kids) > 0 {
			out.kids = out.kids[from:to]
		}
	}
	return out
}

// keysOf are the keys that parts are cut by: of a list its indexes.
func keysOf(x thing) (keys []float64) {
	if x.kind == "list" {
		for i := range x.kids {
			keys = append(keys, float64(i))
		}
		return keys
	}
	for _, k := range x.keys {
		keys = append(keys, k.(float64))
	}
	return keys
}

func all(float64) bool { return true }

// ranged puts one of the ranges, and what follows it.
func (w *walker) ranged() {
	low, high, n := w.r.IntN(12)-5, w.r.IntN(12)-5, w.r.IntN(4)
	if w.of == "list of posts" {
		low, high = max(low, 0), max(high, 0)
	}
	of := w.of
	limit := func(n int) int { // 0: all
		if n == 0 {
			return -1
		}
		return n
	}
	from := func(k float64) bool { return k >= float64(low) }
	to := func(k float64) bool { return k < float64(high) }
	switch w.r.IntN(5) {
	case 0:
		w.step(fmt.Sprintf("range(%d, %d)", low, high), of, func(x thing) []thing {
			return one(part(x, func(k float64) bool { return from(k) && to(k) }, -1, false))
		})
	case 1:
		w.step(fmt.Sprintf("rangeFrom(%d, %d)", low, n), of, func(x thing) []thing { return one(part(x, from, limit(n), false)) })
	case 2:
		w.step(fmt.Sprintf("rangeTo(%d, %d)", high, n), of, func(x thing) []thing { return one(part(x, to, limit(n), true)) })
	case 3:
		w.step(fmt.Sprintf("rangeFromStart(%d)", n), of, func(x thing) []thing { return one(part(x, all, n, false)) })
	default:
		w.step(fmt.Sprintf("rangeToEnd(%d)", n), of, func(x thing) []thing { return one(part(x, all, n, true)) })
	}
	if of == "map of posts" {
		w.entries("post")
	} else {
		w.elements()
	}
}

// entries puts vals, keys or entries of a map.
func (w *walker) entries(of string) {
	switch w.r.IntN(3) {
	case 0:
		w.step("vals", of, func(x thing) []thing { return x.kids })
	case 1:
		w.step("keys", "any", func(x thing) (out []thing) {
			for _, k := range x.keys {
				out = append(out, value(k))
			}
			return out
		})
	default:
		w.step("entries", "any", func(x thing) (out []thing) {
			for i, k := range x.keys {
				out = append(out, value(entryOf(k, x.kids[i])))
			}
			return out
		})
	}
}

// elements puts all, first or last of a set or a list.
func (w *walker) elements() {
	of, each := "post", func(x thing) []thing { return x.kids }
	if w.of == "set" {
		of, each = "number", func(x thing) (out []thing) {
			for _, k := range x.keys {
				out = append(out, value(k))
			}
			return out
		}
	}
	switch w.r.IntN(3) {
	case 0:
		w.step("all", of, each)
	case 1:
		w.step("first", of, func(x thing) []thing { all := each(x); return all[:min(1, len(all))] })
	default:
		w.step("last", of, func(x thing) []thing { all := each(x); return all[max(0, len(all)-1):] })
	}
}

// get is a member of an object, null if there is none.
func get(x thing, name string) []thing {
	object, _ := x.json.(map[string]any)
	return one(value(object[name]))
}

// next puts a step that leads on.
func (w *walker) next() {
	switch w.of {
	case "map of fixed":
		w.fromPages()
	case "fixed":
		i := w.r.IntN(4)
		name := []string{"Name", "Tags", "Last", "ByID"}[i]
		of := []string{"text", "set", "list of posts", "map of posts"}[i]
		w.step(fmt.Sprintf("field(%q)", name), of, func(x thing) []thing { return one(x.kids[i]) })
	case "set", "list of posts":
		w.fromElements()
	case "map of posts":
		w.fromMap()
	case "post":
		name := []string{"A", "B", "C"}[w.r.IntN(3)]
		verb := []string{"field", "key"}[w.r.IntN(2)]
		w.step(fmt.Sprintf("%s(%q)", verb, name), map[string]string{"A": "number", "B": "ints", "C": "object"}[name], func(x thing) []thing { return get(x, name) })
	case "ints":
		w.fromInts()
	case "object":
		w.fromObject()
	default:
		w.step("it", w.of, one)
	}
}

func (w *walker) fromPages() {
	name := []string{"", "a", "b/%", "none"}[w.r.IntN(4)]
	find := func(x thing, must bool) []thing {
		if i := slices.Index(x.keys, any(name)); i >= 0 {
			return one(x.kids[i])
		}
		if must {
			return nil
		}
		return one(thing{kind: "fixed", keys: []any{"Name", "Tags", "Last", "ByID"}, kids: []thing{value(nil), {kind: "set"}, {kind: "list"}, {kind: "map"}}})
	}
	switch w.r.IntN(4) {
	case 0:
		w.step(fmt.Sprintf("key(%q)", name), "fixed", func(x thing) []thing { return find(x, false) })
	case 1:
		w.step(fmt.Sprintf("must(%q)", name), "fixed", func(x thing) []thing { return find(x, true) })
	case 2:
		w.step("len", "any", func(x thing) []thing { return one(value(float64(len(x.keys)))) })
	default:
		w.entries("fixed")
	}
}

func (w *walker) fromElements() {
	switch n := w.r.IntN(5); {
	case n == 0:
		w.step("len", "any", func(x thing) []thing { return one(value(float64(max(len(x.keys), len(x.kids))))) })
	case n == 1:
		w.ranged()
	case n == 2 && w.of == "set":
		e := 7 * (w.r.IntN(7) - 3)
		w.step(fmt.Sprintf("elem(%d)", e), "number", func(x thing) []thing {
			if slices.Contains(x.keys, any(float64(e))) {
				return one(value(float64(e)))
			}
			return nil
		})
	case n == 2:
		i := w.r.IntN(5)
		w.step(fmt.Sprintf("nth(%d)", i), "post", func(x thing) []thing {
			if i < len(x.kids) {
				return one(x.kids[i])
			}
			return nil
		})
	case n == 3 && w.of == "list of posts":
		low, high := w.r.IntN(4), w.r.IntN(6)
		w.step(fmt.Sprintf("sublist(%d, %d)", low, high), "any", func(x thing) []thing {
			return one(value(part(x, func(k float64) bool { return k >= float64(low) && k < float64(high) }, -1, false).whole()))
		})
	case n == 3:
		w.step("subset(7, -14, 0)", "any", func(x thing) []thing {
			out := []any{}
			for _, e := range []float64{7, -14, 0} {
				if slices.Contains(x.keys, any(e)) {
					out = append(out, e)
				}
			}
			return one(value(out))
		})
	default:
		w.elements()
	}
}

func (w *walker) fromMap() {
	k := w.r.IntN(9) - 4
	at := func(x thing) int { return slices.Index(x.keys, any(float64(k))) }
	switch w.r.IntN(6) {
	case 0:
		w.step(fmt.Sprintf("key(%d)", k), "post", func(x thing) []thing {
			if i := at(x); i >= 0 {
				return one(x.kids[i])
			}
			return one(value(nil))
		})
	case 1:
		w.step(fmt.Sprintf("must(%d)", k), "post", func(x thing) []thing {
			if i := at(x); i >= 0 {
				return one(x.kids[i])
			}
			return nil
		})
	case 2:
		w.step(fmt.Sprintf("submap(%d, 99)", k), "any", func(x thing) []thing {
			if i := at(x); i >= 0 {
				return one(value([]any{entryOf(x.keys[i], x.kids[i])}))
			}
			return one(value([]any{}))
		})
	case 3:
		w.step("len", "any", func(x thing) []thing { return one(value(float64(len(x.keys)))) })
	case 4:
		w.ranged()
	default:
		w.entries("post")
	}
}

func (w *walker) fromInts() {
	list := func(x thing) (out []thing) {
		elements, _ := x.json.([]any)
		for _, e := range elements {
			out = append(out, value(e))
		}
		return out
	}
	i := w.r.IntN(5) - 2
	switch w.r.IntN(4) {
	case 0:
		w.step(fmt.Sprintf("nth(%d)", i), "number", func(x thing) []thing {
			elements, j := list(x), i
			if j < 0 {
				j += len(elements)
			}
			if j < 0 || j >= len(elements) {
				return nil
			}
			return one(elements[j])
		})
	case 1:
		w.step("len", "any", func(x thing) []thing { return one(value(float64(len(list(x))))) })
	case 2:
		w.step("nullToVal([9])", "ints", func(x thing) []thing {
			if x.json == nil {
				return one(value([]any{9.0}))
			}
			return one(x)
		})
	default:
		w.step("all", "number", list)
	}
}

func (w *walker) fromObject() {
	object := func(x thing) map[string]any { o, _ := x.json.(map[string]any); return o }
	name := []string{"x", "z"}[w.r.IntN(2)]
	switch w.r.IntN(4) {
	case 0:
		w.step(fmt.Sprintf("key(%q)", name), "number", func(x thing) []thing { return get(x, name) })
	case 1:
		w.step(fmt.Sprintf("must(%q)", name), "number", func(x thing) []thing {
			if v, ok := object(x)[name]; ok {
				return one(value(v))
			}
			return nil
		})
	case 2:
		w.step(`submap("y", "z")`, "any", func(x thing) []thing {
			out := map[string]any{}
			if v, ok := object(x)["y"]; ok {
				out["y"] = v
			}
			return one(value(out))
		})
	default:
		w.step("vals", "number", func(x thing) (out []thing) {
			for _, name := range []string{"x", "y"} {
				if v, ok := object(x)[name]; ok {
					out = append(out, value(v))
				}
			}
			return out
		})
	}
}

// around puts a step that takes paths: what the same steps lead to from each place.
func (w *walker) around() {
	seed := w.r.Uint64()
	build := func(inner *walker) {
		inner.r = rand.New(rand.NewPCG(seed, 2))
		for range 1 + seed%3 {
			inner.next()
		}
	}
	probe := &walker{of: w.of}
	build(probe)
	inner := strings.Join(probe.text, ".")
	lead := func(x thing) []thing { out, _ := w.within(x, build); return out }
	gathered := func(x thing) []any {
		out := []any{}
		for _, e := range lead(x) {
			out = append(out, e.whole())
		}
		return out
	}
	switch w.r.IntN(5) {
	case 0:
		w.step("filter("+inner+")", w.of, func(x thing) []thing { return one(x)[:min(1, len(lead(x)))] })
	case 1:
		w.step("filterNot("+inner+")", w.of, func(x thing) []thing { return one(x)[min(1, len(lead(x))):] })
	case 2:
		w.step("subselect("+inner+")", "any", func(x thing) []thing { return one(value(gathered(x))) })
	case 3:
		w.step("collect("+inner+")", "any", func(x thing) []thing {
			return one(value(map[string]any{"collected": gathered(x), "value": x.whole()}))
		})
	default:
		w.step("multi("+inner+", "+inner+")", probe.of, func(x thing) []thing { return append(slices.Clone(lead(x)), lead(x)...) })
	}
}

// compared puts a filter that compares numbers.
func (w *walker) compared() {
	n := w.r.IntN(6)
	ops := map[string]func(a float64) bool{
		"==": func(a float64) bool { return a == float64(n) }, "!=": func(a float64) bool { return a != float64(n) },
		"<": func(a float64) bool { return a < float64(n) }, ">=": func(a float64) bool { return a >= float64(n) },
	}
	op := []string{"==", "!=", "<", ">="}[w.r.IntN(4)]
	w.step(fmt.Sprintf("filter(it %s %d)", op, n), "number", func(x thing) []thing {
		a, ok := x.json.(float64)
		if ok && ops[op](a) || !ok && op == "!=" {
			return one(x)
		}
		return nil
	})
}

// what a random path leads to is what the same loops over plain Go values give.
func walkRandomly(t *testing.T, r *rand.Rand) {
	slot := wire.Slot(task.Tag("M", 0, 1))
	s := memstore.New()
	head := task.Head{Mark: task.Mark{Token: task.Token{1}}}
	session, _, err := s.Take(context.Background(), slot, head)
	if err != nil {
		t.Fatal(err)
	}
	var pages pstate.MapOf[string, page]
	decl := &overlay.Decl{Module: "M", Name: "pages", Owner: "own"}
	if mistakes := pstate.Declare(&pages, decl); len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	view := overlay.New(slot.Tag, 16)
	view.Owner = "own"
	view.Suspend = func() {
		reads := view.Reads(nil)
		if err := session.Read(context.Background(), reads); err != nil {
			t.Fatal(err)
		}
		view.Supply(reads)
	}
	model := fill(r, writer{view}, pages)
	head.Number++
	batch := store.Batch{Head: head}
	if err := view.Seal(&batch, new(overlay.Arena)); err != nil {
		t.Fatal(err)
	}
	if err := session.Commit(context.Background(), &batch); err != nil {
		t.Fatal(err)
	}
	stored := &overlay.Decl{Module: "M", Name: "pages", Owner: "own", Schema: pstate.SchemaOf(pstate.LayoutOf(decl.Schema))}
	for range 40 {
		w := &walker{r: r, at: one(model), of: "map of fixed"}
		for range r.IntN(7) {
			switch {
			case r.IntN(4) == 0 && w.of != "any":
				w.around()
			case w.of == "number" && r.IntN(2) == 0:
				w.compared()
			default:
				w.next()
			}
		}
		limit := 0
		if r.IntN(3) == 0 {
			limit = 1 + r.IntN(3)
			w.text, w.at = append(w.text, fmt.Sprintf("limit(%d)", limit)), w.at[:min(limit, len(w.at))]
		}
		check(t, strings.Join(w.text, "."), stored, w.at, direct{s, slot})
	}
}

func check(t *testing.T, text string, decl *overlay.Decl, want []thing, d direct) {
	t.Helper()
	p, err := navtext.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	g, err := p.Compile(decl, 0)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	got, wanted := []any{}, []any{}
	err = g.Run(overlay.NewDirect(d), func(raw json.RawMessage, _ overlay.Moment) bool {
		if !json.Valid(raw) {
			t.Errorf("%s gives %q, which is no JSON", text, raw)
			return true
		}
		got = append(got, plain(raw))
		return true
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, x := range want {
		wanted = append(wanted, x.whole())
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(plain(wanted))
	if string(a) != string(b) {
		t.Errorf("%s gives\n%s, want\n%s", text, a, b)
	}
}

type writer struct{ view *overlay.View }

func (w writer) StateView() *overlay.View { return w.view }
func (writer) StateWriter()               {}

type direct struct {
	store *memstore.Store
	slot  store.Slot
}

func (d direct) Slot(*overlay.Path) (store.Slot, error) { return d.slot, nil }

func (d direct) Read(slot store.Slot, reads []store.Read) error {
	_, err := d.store.Read(context.Background(), slot, reads)
	return err
}

// What a path as text leads to is what loops over plain Go values give.
func TestAgainstPlainGo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		walkRandomly(t, rand.New(rand.NewPCG(seed, 3)))
	}
}

// FuzzAgainstPlainGo is the same, for `make fuzz`.
func FuzzAgainstPlainGo(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { walkRandomly(t, rand.New(rand.NewPCG(a, b))) })
}
