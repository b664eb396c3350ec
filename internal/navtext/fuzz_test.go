package navtext_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/navtext"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/shape"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
)

// layout has a level of each kind.
var layout = &pstate.Layout{Kind: "map of", Key: &wire.KeyType{Kind: wire.KeyText}, Elem: &pstate.Layout{Kind: "fixed keys", Fields: []*pstate.Layout{
	{Name: "Name", Kind: "value", Codec: "json", Value: &shape.Shape{Kind: "string"}},
	{Name: "Set", Kind: "set", Key: &wire.KeyType{Kind: wire.KeyInt, Bits: 8}},
	{Name: "Sorted", Kind: "sorted set", Key: &wire.KeyType{Kind: wire.KeyTime}},
	{Name: "List", Kind: "list", Codec: "own", Value: &shape.Shape{Kind: "own", Type: "x"}},
	{Name: "Rows", Kind: "list of", Elem: &pstate.Layout{Kind: "sorted map", Codec: "json", Value: &shape.Shape{Kind: "struct", Fields: []shape.Field{{Name: "a", Shape: &shape.Shape{Kind: "list", Elem: &shape.Shape{Kind: "int64"}}}}},
		Key: &wire.KeyType{Kind: wire.KeyTuple, Parts: []wire.KeyPart{{Name: "A", Type: wire.KeyType{Kind: wire.KeyFloat, Bits: 64}}, {Name: "B", Type: wire.KeyType{Kind: wire.KeyBytes, Bytes: 2}}}}}},
}}}

// Whatever text comes, it compiles or is refused with a place in it, and the way out.
func FuzzPath(f *testing.F) {
	for _, text := range []string{
		``, `key("a")`, `vals.field("Rows").nth(1).rangeFrom([1.5,"ab01"], 3).vals.field("a").all.filter(it >= 3).count`,
		`must("ü").field("Sorted").range("2024-01-01T00:00:00Z","2025-01-01T00:00:00Z").last`, `filter(filter(key("a").field("Name") == "x"))`,
		`key({"base64":"/w=="})`, `entries . limit ( 3 ) . page(9)`, `vals.field("Set").elem(128)`, "key(\"\x00", `vals.field("List").first.len`, strings.Repeat("filter(", 40),
		`it.it.it`, `multi(key("a"), key("b").field("Name")).count`, `vals.if(field("Name") == "x", field("Rows").nth(0), field("Rows").nth(1)).vals`,
		`vals.field("Name").nullToVal("x")`, `vals.collect(field("Sorted").all)`, `key("a").field("Set").subset(1, 2, 300)`, `subselect(vals.field("Name"))`,
		`key("a").field("Rows").sublist(0, 3)`, `key("a").field("Rows").nth(0).submap([1.5,"ab01"], [2,"00ff"])`, strings.Repeat("multi(", 40), `if(key("a"))`, `multi()`,
		`key(1e999999999)`, `vals.filter(field("Name") < {"a":[1,2]})`, `rangeToEnd(99999999999999999999)`,
	} {
		f.Add(text)
	}
	decl := &overlay.Decl{Module: "M", Name: "p", Schema: pstate.SchemaOf(layout)}
	f.Fuzz(func(t *testing.T, text string) {
		check := func(err error) {
			var e *navtext.Error
			if !errors.As(err, &e) || e.At < 0 || e.At > len(text) || e.Text == "" || e.Path != text {
				t.Fatalf("%q: error %#v", text, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if n := len(lines); n < 3 || strings.TrimLeft(lines[n-1], " ") != "^" || len([]rune(lines[n-1])) > len([]rune(lines[n-2]))+1 {
				t.Fatalf("%q: its caret is off:\n%v", text, err)
			}
		}
		p, err := navtext.Parse(text)
		if err != nil {
			check(err)
			return
		}
		g, err := p.Compile(decl, 0)
		if err != nil {
			check(err)
			return
		}
		if id, named, err := g.Task(7); named && err == nil && (id < 0 || id > 6) {
			t.Fatalf("%q: task %d", text, id)
		}
	})
}

// The caret stands under the place, also where the path is long.
func TestErrorPrints(t *testing.T) {
	t.Parallel()
	_, err := navtext.Parse(`key("ann").vls`)
	want := "wrong path: there is no step \"vls\"; there are "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "\n  key(\"ann\").vls\n             ^") {
		t.Errorf("%v", err)
	}
	_, err = navtext.Parse(`key("` + strings.Repeat("ü", 200) + `").vls`)
	if err == nil || !strings.Contains(err.Error(), "\n  …") {
		t.Errorf("%v", err)
	}
}
