package shape_test

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/shape"
)

type leaf struct {
	A int8 `json:"a"`
	B string
}

type tree struct {
	leaf
	Next *tree
	Many map[string][]leaf
	At   time.Time
	Big  *big.Int
	Text int `json:",string"`
	ID   [4]byte
	Raw  []byte
}

func TestShapesPrint(t *testing.T) {
	t.Parallel()
	const want = "{a int8, B string, Next *shape_test.tree, Many map[string][]{a int8, B string}, At time, Big *big.Int, Text text of int64, ID [4]uint8, Raw bytes}"
	s := shape.JSON.Of(reflect.TypeFor[tree]())
	if s.String() != want {
		t.Errorf("the shape is\n%v\nwant\n%s", s, want)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back shape.Shape
	if err := json.Unmarshal(raw, &back); err != nil || back.String() != want || len(shape.Changes(s, &back)) > 0 {
		t.Errorf("%s came back as %v, %v", raw, &back, err)
	}
}

func of[T any]() *shape.Shape { return shape.JSON.Of(reflect.TypeFor[T]()) }

// What a new version may change about values, and what not.
func TestChanges(t *testing.T) {
	t.Parallel()
	type renamed leaf
	type wider struct {
		A int64 `json:"a"`
		B *string
		C float64
	}
	type narrower struct {
		A int8 `json:"a"`
	}
	for _, c := range []struct {
		stored, now *shape.Shape
		want        string // "": nothing is lost
	}{
		{of[int8](), of[int](), ""}, {of[int](), of[int64](), ""}, {of[uint16](), of[uint32](), ""}, {of[float32](), of[float64](), ""},
		{of[int](), of[int32](), "was int64, is int32"}, {of[int](), of[uint](), "was int64, is uint64"}, {of[int](), of[string](), "was int64, is string"},
		{of[string](), of[*string](), ""}, {of[*string](), of[string](), "was *string, is string"}, {of[*int8](), of[*int64](), ""},
		{of[leaf](), of[renamed](), ""}, {of[leaf](), of[wider](), ""}, {of[wider](), of[leaf](), "field a was int64, is int8; field B was *string, is string; field C is gone, and would be lost with the next write"},
		{of[leaf](), of[narrower](), "field B is gone"}, {of[[]leaf](), of[[]narrower](), "element field B is gone"},
		{of[map[string]int](), of[map[int]int](), "key was string, is int64"}, {of[map[string]int](), of[map[string]bool](), "element was int64, is bool"},
		{of[[2]int](), of[[3]int](), "was [2]int64, is [3]int64"}, {of[*big.Int](), of[time.Time](), "was *big.Int, is time"},
		{of[big.Int](), of[big.Float](), "was big.Int, is big.Float"}, {of[tree](), of[tree](), ""}, {nil, of[int](), "have come or gone"}, {nil, nil, ""},
	} {
		got := strings.Join(shape.Changes(c.stored, c.now), "; ")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%v to %v: %q, want %q", c.stored, c.now, got, c.want)
		}
	}
}

// Two fields of one stored name are told, whatever vet says of them.
func TestFieldsOfOneName(t *testing.T) {
	t.Parallel()
	field := func(name string) reflect.StructField {
		return reflect.StructField{Name: name, Type: reflect.TypeFor[int](), Tag: `json:"v"`}
	}
	err := shape.JSON.Losses(reflect.StructOf([]reflect.StructField{field("A"), field("B")}))
	if err == nil || !strings.Contains(err.Error(), `.B are both stored as "v"`) {
		t.Errorf("two fields named v: %v", err)
	}
}
