package pstate_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/codec/protobufcodec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

type (
	pair struct {
		A string
		B int16
	}
	wrongFirst struct {
		Name pstate.Value[string]
		pstate.Fixed[wrongFirst]
	}
	wrongField struct {
		pstate.Fixed[wrongField]
		Name string
	}
	noField   struct{ pstate.Fixed[noField] }
	borrowed  struct{ pstate.Fixed[profile] }
	recursive struct {
		pstate.Fixed[recursive]
		Children pstate.MapOf[string, recursive]
	}
	badWithin struct {
		pstate.Fixed[badWithin]
		Good pstate.Value[int]
		Home struct2
	}
	struct2 struct {
		pstate.Fixed[struct2]
		Bad pstate.SortedMap[netip.Addr, chan int]
	}
)

// What is wrong with a schema or an option is said at declaration, all of it, each with
// its place.
func TestMistakesOfPStates(t *testing.T) {
	t.Parallel()
	byText := func(string, int) int { return 0 }
	for _, c := range []struct {
		handle  pstate.Schema
		options []pstate.Option
		want    string
	}{
		{&pstate.Map[*int, int]{}, nil, "key type *int: a ptr has no stable bytes"},
		{&pstate.Map[func(), int]{}, nil, "key type func(): a func has no stable bytes"},
		{&pstate.Map[struct{ a int }, int]{}, nil, "its field a is not exported"},
		{&pstate.SortedSet[netip.Addr]{}, nil, "key type netip.Addr has only its JSON, whose order means nothing"},
		{&pstate.SortedMap[complex128, int]{}, nil, "complex numbers have no order"},
		{&pstate.List[any]{}, nil, "value type interface {}: interface {} is an interface"},
		{&pstate.Value[pstate.List[int]]{}, nil, "is a structure of its own, and cannot be stored as a value; nest it with MapOf, ListOf or Fixed"},
		{&pstate.Map[string, profile]{}, nil, "is a structure of its own"},
		{&wrongFirst{}, nil, "fixed keys are a struct whose first field is an embedded pstate.Fixed[wrongFirst]"},
		{&wrongField{}, nil, "its field Name is a string, and every field has to be a handle of package pstate"},
		{&noField{}, nil, "it has no fields beside Fixed"},
		{&borrowed{}, nil, "pstate_test.borrowed embeds Fixed[pstate_test.profile]; it has to embed Fixed of itself"},
		{&recursive{}, nil, "field Children: pstate_test.recursive contains itself; a schema has an end"},
		{&badWithin{}, nil, "field Home.Bad: key type netip.Addr has only its JSON"},
		{&badWithin{}, nil, "field Home.Bad: value type chan int"},
		{&pstate.MapOf[string, badWithin]{}, nil, "field Home.Bad: value type chan int"},
		{&pstate.Value[int]{}, []pstate.Option{pstate.Initial("x")}, "has an initial value of type string: that is for a PState which is a Value of the same type"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.Initial(1)}, "has an initial value of type int"},
		{&pstate.Value[string]{}, []pstate.Option{pstate.Initial("\xff")}, "its initial value does not encode"},
		{&pstate.Value[int]{}, []pstate.Option{pstate.PartitionBy(byText)}, "has a partitioner and no key"},
		{&pstate.List[int]{}, []pstate.Option{pstate.PartitionBy(byText)}, "has a partitioner and no key"},
		{&pstate.Map[int, int]{}, []pstate.Option{pstate.PartitionBy(byText)}, "the partitioner is a func(string, int) int, and the keys are of type int"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.PartitionBy(byText), pstate.Global()}, "is global and has a partitioner"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.PartitionBy[string](nil)}, "PartitionBy has no function"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.Codec(codec.Text)}, "value type int: the text codec is for strings and byte slices"},
		{&pstate.List[string]{}, []pstate.Option{pstate.Codec(protobufcodec.Codec)}, "string is no pointer to a protobuf message"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.Migrate("m", func(int) string { return "" })}, "its migration \"m\" is to string, and it has no values of that type"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.Migrate[string, int]("m", nil)}, "its migration \"m\" has no function"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.Migrate("a,b", func(string) int { return 0 })}, "has a migration \"a,b\"; a name has"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.Migrate("m", func(string) int { return 0 }), pstate.Migrate("m", func(bool) int { return 0 })}, "has two migrations whose ids are \"m\""},
		{&pstate.Map[string, string]{}, []pstate.Option{pstate.Codec(codec.Text), pstate.Migrate("m", func(int) string { return "" })}, "is of values that are stored as text"},
		{&pstate.Map[string, int]{}, []pstate.Option{pstate.Migrate("m", func(chan int) int { return 0 })}, "its migration \"m\" is from chan int"},
	} {
		d := &overlay.Decl{Module: "M", Name: "p", Owner: owner}
		var text []string
		for _, err := range pstate.Declare(c.handle, d, c.options...) {
			text = append(text, err.Error())
		}
		if got := strings.Join(text, "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%T: mistakes %q, want %q", c.handle, got, c.want)
		}
	}
}

// A schema prints, as text and as what is kept of it.
func TestSchemasPrint(t *testing.T) {
	t.Parallel()
	for want, h := range map[string]pstate.Schema{
		"map[string]int":                           &pstate.Map[string, int]{},
		"set[time.Time]":                           &pstate.Set[time.Time]{},
		"list[pstate_test.pair]":                   &pstate.List[pair]{},
		"list of map[uint8] of sorted set[string]": &pstate.ListOf[pstate.MapOf[uint8, pstate.SortedSet[string]]]{},
		"{Name string, Age *int, Friends sorted set[string], Posts list[string], Home {City string, Moved sorted map[time.Time]string}}": &profile{},
	} {
		d := newBench(t).declare(h, "p")
		if d.Schema.Text != want {
			t.Errorf("the schema prints as %s, want %s", d.Schema.Text, want)
		}
		raw, err := json.Marshal(pstate.LayoutOf(d.Schema))
		if err != nil {
			t.Fatal(err)
		}
		var back pstate.Layout
		if err := json.Unmarshal(raw, &back); err != nil || len(pstate.LayoutOf(d.Schema).Changes(&back)) > 0 {
			t.Errorf("%s came back changed: %v, %v", raw, pstate.LayoutOf(d.Schema).Changes(&back), err)
		}
	}
}

func layout(t *testing.T, h pstate.Schema, options ...pstate.Option) *pstate.Layout {
	t.Helper()
	return pstate.LayoutOf(newBench(t).declare(h, "p", options...).Schema)
}

type profileMore struct {
	pstate.Fixed[profileMore]
	Name    pstate.Value[string]
	Age     pstate.Value[*int]
	Friends pstate.SortedSet[string]
	Posts   pstate.List[string]
	Home    home
	Extra   pstate.Set[int]
}

type profileLess struct {
	pstate.Fixed[profileLess]
	Name pstate.Value[string]
	Home struct3
}

type struct3 struct {
	pstate.Fixed[struct3]
	City  pstate.Value[int]
	Moved pstate.Map[time.Time, string]
}

// What a new version of a module may change about a PState, and what not.
func TestLayoutChanges(t *testing.T) {
	t.Parallel()
	type key string
	type other struct{ A, B string }
	for _, c := range []struct {
		stored, now *pstate.Layout
		want        string
	}{
		{layout(t, &pstate.Map[string, int]{}), layout(t, &pstate.Map[key, int64]{}), ""},
		{layout(t, &pstate.Map[string, int]{}), layout(t, &pstate.SortedMap[string, int]{}), "was a map, is a sorted map"},
		{layout(t, &pstate.Map[string, int]{}), layout(t, &pstate.Map[int, int]{}), "keys were text, are int64"},
		{layout(t, &pstate.Map[pair, int]{}), layout(t, &pstate.Map[other, int]{}), "keys were (A text, B int16), are (A text, B text)"},
		{layout(t, &pstate.Map[string, int]{}), layout(t, &pstate.Map[string, string]{}), "values: was int64, is string"},
		{layout(t, &pstate.List[pair]{}), layout(t, &pstate.List[other]{}), "values: field B was int16, is string"},
		{layout(t, &pstate.List[string]{}), layout(t, &pstate.List[string]{}, pstate.Codec(msgpackcodec.Codec)), "values were stored as json, are as msgpack"},
		{layout(t, &pstate.MapOf[string, pstate.Set[int]]{}), layout(t, &pstate.MapOf[string, pstate.Set[string]]{}), "within: keys were int64, are text"},
		{layout(t, &pstate.Map[string, int]{}), layout(t, &pstate.Map[string, string]{}, pstate.Migrate("a", func(int) string { return "" })), ""},
		{layout(t, &pstate.Map[string, int]{}), layout(t, &pstate.Map[string, string]{}, pstate.Migrate("a", func(bool) string { return "" })), "values: was int64, is bool, and migration a is from that"},
		{layout(t, &pstate.Map[string, string]{}, pstate.Migrate("a", func(int) string { return "" })), layout(t, &pstate.Map[string, pair]{}, pstate.Migrate("a", func(int) string { return "" }), pstate.Migrate("b", func(string) pair { return pair{} })), ""},
		{layout(t, &pstate.Map[string, int]{}), layout(t, &pstate.Map[string, pair]{}, pstate.Migrate("a", func(int) string { return "" }), pstate.Migrate("b", func(string) pair { return pair{} })), ""},
		{layout(t, &profile{}), layout(t, &profileMore{}), ""},
		{layout(t, &profileMore{}), layout(t, &profile{}), "field Extra is gone"},
		{layout(t, &profile{}), layout(t, &profileLess{}), "field Age is gone; field Friends is gone; field Posts is gone; field Home: field City: values: was string, is int64; field Home: field Moved: was a sorted map, is a map"},
	} {
		if got := strings.Join(c.stored.Changes(c.now), "; "); got != c.want {
			t.Errorf("changes %q, want %q", got, c.want)
		}
	}
}

// Each type of values is stored by the first codec that takes it.
func TestCodecsOfPStates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var messages pstate.Map[string, *wrapperspb.StringValue]
	var mixed pstate.MapOf[string, mixedValues]
	own := codec.Of("dots", func(dst []byte, n *uint8) ([]byte, error) { return append(dst, strings.Repeat(".", int(*n))...), nil }, func(raw []byte, n *uint8) error { *n = uint8(len(raw)); return nil })
	b.declare(&messages, "messages", pstate.Codec(protobufcodec.Codec))
	b.declare(&mixed, "mixed", pstate.Codec(own, codec.Text, msgpackcodec.Codec))
	b.do(func(w pstate.Writer) {
		messages.Key("a").Set(w, wrapperspb.String("hello"))
		messages.Key("nil").Set(w, nil)
		m := mixed.Key("x")
		m.Text.Set(w, `a "text"`)
		m.Dots.Set(w, 3)
		m.Pairs.Push(w, pair{"p", 5})
	})
	b.commit()
	for want, at := range map[string][3]string{`a "text"`: {"mixed", "x", "Text"}, "...": {"mixed", "x", "Dots"}} {
		read := []store.Read{{Kind: store.Get, Table: wire.PStateTable(b.slot.Tag, at[0], store.Map, at[1]), Field: at[2]}}
		if _, err := b.store.Read(t.Context(), b.slot, read); err != nil || read[0].Value != want {
			t.Errorf("%v is stored as %q, %v; want %q", at, read[0].Value, err, want)
		}
	}
	c := b.client()
	m, err := messages.Key("a").Get(c)
	got(t, "message", m.GetValue(), err, "hello")
	m, ok, err := messages.Key("nil").Lookup(c)
	got(t, "nil message", ok && m == nil, err, true)
	text, err := mixed.Key("x").Text.Get(c)
	got(t, "text", text, err, `a "text"`)
	dots, err := mixed.Key("x").Dots.Get(c)
	got(t, "dots", dots, err, 3)
	p, _, err := mixed.Key("x").Pairs.Get(c, 0)
	got(t, "pair", p, err, pair{"p", 5})
}

type mixedValues struct {
	pstate.Fixed[mixedValues]
	Text  pstate.Value[string]
	Dots  pstate.Value[uint8]
	Pairs pstate.List[pair]
}
