package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	pub "github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/internal/codec"
)

type inner struct {
	N *int
	M map[string][]byte
}

type record struct {
	S  string
	I  int8
	U  uint64
	F  float64
	B  bool
	T  time.Time
	In []inner
}

// roundTrip encodes and decodes a value; JSON's own encoder must agree.
func roundTrip[T any](t interface{ Fatalf(string, ...any) }, c codec.Codec[T], v T) {
	raw, err := c.Append([]byte("before"), &v)
	if err != nil {
		t.Fatalf("%#v does not encode: %v", v, err)
	}
	raw = raw[len("before"):]
	var back T
	if err := c.Decode(raw, &back); err != nil {
		t.Fatalf("%s does not decode: %v", raw, err)
	}
	if !reflect.DeepEqual(back, v) {
		t.Fatalf("%#v came back as %#v", v, back)
	}
	if c.Name != "json" {
		return
	}
	var theirs T
	if err := json.Unmarshal(raw, &theirs); err != nil || !reflect.DeepEqual(theirs, v) {
		t.Fatalf("encoding/json reads %s as %#v, %v", raw, theirs, err)
	}
}

func mustJSON[T any](t *testing.T) codec.Codec[T] {
	t.Helper()
	c, err := codec.JSON[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type (
	name   string
	number int16
	count  uint32
)

func TestJSONRoundTrips(t *testing.T) {
	t.Parallel()
	texts, names, ints, numbers, counts, bools, records, slices := mustJSON[string](t), mustJSON[name](t), mustJSON[int](t), mustJSON[number](t), mustJSON[count](t), mustJSON[bool](t), mustJSON[record](t), mustJSON[[]int](t)
	rapid.Check(t, func(t *rapid.T) {
		roundTrip(t, texts, rapid.String().Draw(t, "string"))
		roundTrip(t, names, name(rapid.String().Draw(t, "name")))
		roundTrip(t, ints, rapid.Int().Draw(t, "int"))
		roundTrip(t, numbers, number(rapid.Int16().Draw(t, "number")))
		roundTrip(t, counts, count(rapid.Uint32().Draw(t, "count")))
		roundTrip(t, bools, rapid.Bool().Draw(t, "bool"))
		roundTrip(t, slices, rapid.SliceOfN(rapid.Int(), 1, 5).Draw(t, "slice"))
		n := rapid.Int().Draw(t, "n")
		roundTrip(t, records, record{
			S: rapid.String().Draw(t, "s"), I: rapid.Int8().Draw(t, "i"), U: rapid.Uint64().Draw(t, "u"),
			F: rapid.Float64Range(-1e300, 1e300).Draw(t, "f"), T: time.UnixMilli(rapid.Int64Range(0, 1e12).Draw(t, "t")).UTC(),
			In: []inner{{N: &n, M: map[string][]byte{"k": {1, 2}}}},
		})
	})
}

// What redis-cli shows: numbers as decimal text, strings in quotes.
func TestJSONIsReadable(t *testing.T) {
	t.Parallel()
	n, s := -42, "a\"b✓"
	raw, err := mustJSON[int](t).Append(nil, &n)
	if err != nil || string(raw) != "-42" {
		t.Errorf("%s, %v", raw, err)
	}
	raw, err = mustJSON[string](t).Append(nil, &s)
	if err != nil || string(raw) != `"a\"b✓"` {
		t.Errorf("%s, %v", raw, err)
	}
}

// Which types are passed on as they are, and which cannot fail.
func TestPlainAndSure(t *testing.T) {
	t.Parallel()
	if c := mustJSON[int](t); !c.Plain || !c.Sure {
		t.Error("an int is not plain and sure")
	}
	if c := mustJSON[string](t); !c.Plain || c.Sure {
		t.Error("a string is not plain, or sure: it may not be UTF-8")
	}
	if c := mustJSON[time.Time](t); !c.Plain {
		t.Error("a time is not plain")
	}
	if c := mustJSON[record](t); c.Plain {
		t.Error("a struct with a slice is plain")
	}
	if c := mustJSON[struct{ A, B int }](t); !c.Plain {
		t.Error("a struct of numbers is not plain")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	bad := "\xff"
	if _, err := mustJSON[string](t).Append(nil, &bad); err == nil {
		t.Error("a string that is not UTF-8 was encoded")
	}
	nan := math.NaN()
	if _, err := mustJSON[float64](t).Append(nil, &nan); err == nil {
		t.Error("NaN was encoded")
	}
	for _, raw := range []string{"", "x", "1.5", "128", "-129", `"1"`, " 1"} {
		var v int8
		if err := mustJSON[int8](t).Decode([]byte(raw), &v); err == nil {
			t.Errorf("%q was read as the int8 %d", raw, v)
		}
	}
	for _, raw := range []string{"", "a", `"a`, "1", "\"\n\""} {
		var v string
		if err := mustJSON[string](t).Decode([]byte(raw), &v); err == nil {
			t.Errorf("%q was read as the string %q", raw, v)
		}
	}
}

// promise 3x.10: what would be lost on the way is said before it is lost, each
// part by its path.
func TestTypesThatWouldLose(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		".inner is not exported": second(codec.JSON[struct{ inner int }]()),
		"a chan":                 second(codec.JSON[struct{ C chan int }]()),
		"a func":                 second(codec.JSON[[]func()]()),
		"is an interface":        second(codec.JSON[map[string]any]()),
		`has the tag json:"-"`: second(codec.JSON[struct {
			A int `json:"-"`
		}]()),
		"a complex128":             second(codec.JSON[complex128]()),
		".In.deep is not exported": second(codec.JSON[struct{ In struct{ deep int } }]()),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for want, err := range map[string]error{
		"is stored as its embedded Time alone":                             second(codec.JSON[stamped]()),
		`.meta.ID and codec_test.doubled.audit.ID are both stored as "ID"`: second(codec.JSON[doubled]()),
		`.ID and codec_test.shadowed.meta.ID are both`:                     second(codec.JSON[shadowed]()),
		".hidden is not exported":                                          second(codec.JSON[embedsHidden]()),
		"cannot be read back":                                              second(codec.JSON[embedsPointer]()),
		"key is a float64":                                                 second(codec.JSON[struct{ M map[float64]int }]()),
		"key is a codec_test.meta":                                         second(codec.JSON[[]map[meta]int]()),
		"key is a bool":                                                    second(codec.JSON[map[bool]int]()),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, err := range []error{
		second(codec.JSON[wrapped]()), second(codec.JSON[speaks]()), second(codec.JSON[embeds]()), second(codec.JSON[named]()),
		second(codec.JSON[map[netip.Addr]int]()), second(codec.JSON[map[name]int]()), second(codec.JSON[map[uint8]string]()),
	} {
		if err != nil {
			t.Errorf("a type that comes back whole: %v", err)
		}
	}
	type list struct {
		Next *list
		N    int
	}
	if _, err := codec.JSON[list](); err != nil {
		t.Errorf("a type that contains itself: %v", err)
	}
}

type (
	stamped struct {
		time.Time
		Note string
	}
	meta    struct{ ID string }
	audit   struct{ ID string }
	doubled struct {
		meta
		audit
	}
	shadowed struct {
		ID string
		meta
	}
	hidden        int
	embedsHidden  struct{ hidden }
	embedsPointer struct{ *meta }
	wrapped       struct{ time.Time }
	embeds        struct {
		meta
		N int
	}
	named struct {
		meta  `json:"meta"`
		audit `json:"audit"`
	}
	speaks struct {
		time.Time
		Note string
	}
)

var _ = embedsHidden{hidden(0)}

func (s speaks) MarshalJSON() ([]byte, error) { return json.Marshal([]any{s.Time, s.Note}) }
func (s *speaks) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&s.Time, &s.Note})
}
func (s *speaks) UnmarshalText(raw []byte) error { return s.UnmarshalJSON(raw) }
func (s speaks) MarshalText() ([]byte, error)    { return s.MarshalJSON() }

// A string that is not UTF-8 is refused wherever it lies, and any other comes back as it was.
func TestStringsWithinValues(t *testing.T) {
	t.Parallel()
	type deep struct {
		Names []name
		By    map[string]*meta
		Raw   []byte
		Own   json.RawMessage
	}
	c := mustJSON[deep](t)
	for _, bad := range []string{"\xff\xfe", "\xc3(", "k\xf0", "�\xff"} {
		for want, v := range map[string]deep{
			".Names[1]":  {Names: []name{"�", name(bad)}},
			".By[a].ID":  {By: map[string]*meta{"a": {bad}}},
			".By key is": {By: map[string]*meta{bad: nil}},
		} {
			if _, err := c.Append(nil, &v); !errors.Is(err, codec.ErrNotUTF8) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want ErrNotUTF8 with %s", bad, err, want)
			}
		}
	}
	for _, good := range []string{"�", `\ufffd`, `\\ufffd`, "ü\x00\n"} {
		own, _ := json.Marshal(good)
		roundTrip(t, c, deep{Names: []name{name(good)}, By: map[string]*meta{good: {good}}, Raw: []byte{0xff}, Own: own})
	}
	roundTrip(t, c, deep{Own: json.RawMessage(`"\ufffd"`)})
}

func second[T any](_ T, err error) error { return err }

func TestText(t *testing.T) {
	t.Parallel()
	texts, err := codec.Text[name]()
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := codec.Text[[]byte]()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "bytes")
		roundTrip(t, bytes, raw)
		roundTrip(t, texts, name(raw))
	})
	if _, err := codec.Text[int](); err == nil {
		t.Error("the text codec took an int")
	}
}

type animal interface{ Legs() int }
type dog struct{ Name string }
type bird struct{ Wings int }

func (dog) Legs() int   { return 4 }
func (*bird) Legs() int { return 2 }

func TestUnion(t *testing.T) {
	t.Parallel()
	c, err := codec.Union(codec.VariantOf[dog, animal]("dog"), codec.VariantOf[*bird, animal]("bird"))
	if err != nil {
		t.Fatal(err)
	}
	for want, v := range map[string]animal{`{"dog":{"Name":"Rex"}}`: dog{"Rex"}, `{"bird":{"Wings":2}}`: &bird{2}} {
		raw, err := c.Append(nil, &v)
		if err != nil || string(raw) != want {
			t.Errorf("%s, %v; want %s", raw, err, want)
		}
		var back animal
		if err := c.Decode(raw, &back); err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%s came back as %#v, %v", raw, back, err)
		}
	}
	for raw, want := range map[string]string{`{"cat":{}}`: "cat", `{}`: "", `{"dog":{},"bird":{}}`: "", `[]`: "", `{"dog":7}`: ""} {
		var v animal
		if err := c.Decode([]byte(raw), &v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	var none animal
	if _, err := c.Append(nil, &none); err == nil {
		t.Error("nil was encoded as a variant")
	}
}

// The first codec that takes a type stores it.
func TestChoose(t *testing.T) {
	t.Parallel()
	own := pub.Of("own", func(dst []byte, n *int) ([]byte, error) { return append(dst, byte(*n)), nil }, func(raw []byte, n *int) error { *n = int(raw[0]); return nil })
	several := []pub.Codec{own, pub.Text, pub.JSON}
	n, s, b := 7, "x", true
	if c, err := codec.Choose[int](several); err != nil || c.Name != "own" || !c.Plain || c.Sure || c.Shape.String() != "int" {
		t.Errorf("an int is stored by %+v, %v", c, err)
	} else if raw, err := c.Append(nil, &n); err != nil || string(raw) != "\x07" {
		t.Errorf("stored as %q, %v", raw, err)
	}
	if c, err := codec.Choose[string](several); err != nil || c.Name != "text" || !c.Sure {
		t.Errorf("a string is stored by %+v, %v", c, err)
	} else if raw, err := c.Append(nil, &s); err != nil || string(raw) != "x" {
		t.Errorf("stored as %q, %v", raw, err)
	}
	if c, err := codec.Choose[bool](several); err != nil || c.Name != "json" {
		t.Errorf("a bool is stored by %+v, %v", c, err)
	} else if raw, err := c.Append(nil, &b); err != nil || string(raw) != "true" {
		t.Errorf("stored as %q, %v", raw, err)
	}
	if c, err := codec.Choose[float64](nil); err != nil || c.Name != "json" {
		t.Errorf("without codecs a float is stored by %+v, %v", c, err)
	}
	for _, codecs := range [][]pub.Codec{{own, pub.Text}, {nil}} {
		if _, err := codec.Choose[bool](codecs); err == nil {
			t.Errorf("a bool was taken by one of %v", codecs)
		}
	}
}

// FuzzDecodeJSON: what is taken is written and read again as the same.
func FuzzDecodeJSON(f *testing.F) {
	for _, raw := range []string{"7", "-0", `"a\"b"`, "null", `{"S":"x","In":[{"N":null}]}`, "1e2", `"\ud800"`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		again[int8](t, raw)
		again[uint64](t, raw)
		again[string](t, raw)
		again[name](t, raw)
		again[*int](t, raw)
		again[[]int](t, raw)
		again[bool](t, raw)
		again[record](t, raw)
	})
}

func again[T any](t *testing.T, raw []byte) {
	c := mustJSON[T](t)
	var v, back T
	if c.Decode(raw, &v) != nil {
		return
	}
	out, err := c.Append(nil, &v)
	if err == nil {
		err = c.Decode(out, &back)
	}
	if err != nil {
		t.Fatalf("%q was read as %#v, which does not come back: %v", raw, v, err)
	}
	if once, err := c.Append(nil, &back); err != nil || string(once) != string(out) {
		t.Fatalf("%q was read as %#v and came back as %#v, %v", raw, v, back, err)
	}
}
