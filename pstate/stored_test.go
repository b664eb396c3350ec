package pstate_test

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
)

type tagged struct {
	City string `json:"c,omitempty"`
	Day  time.Time
	spot
}

type spot struct{ X, Y float32 }

// level writes itself as text.
type level int

func (l level) MarshalText() ([]byte, error) { return []byte(strings.Repeat("*", int(l))), nil }
func (l *level) UnmarshalText(t []byte) error {
	*l = level(len(t))
	return nil
}

// A program without a module's code finds the task of a key where the module finds it.
func TestPlaceOfStoredKeys(t *testing.T) {
	t.Parallel()
	samePlace(t, "", "a", "tab\tand \x01", "ü", "\xff not text")
	samePlace(t, 0, -1, 1, math.MaxInt, math.MinInt)
	samePlace[int8](t, -128, 127)
	samePlace[uint64](t, 0, math.MaxUint64)
	samePlace(t, true, false)
	samePlace(t, 0.0, math.Copysign(0, -1), 1.5, -1e300, 1e21, 1e-7)
	samePlace[float32](t, 0.1, 1e21)
	samePlace(t, time.Unix(0, 0), time.Date(2024, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600)))
	samePlace(t, [2]byte{0xab, 1}, [2]byte{})
	samePlace(t, [2]string{"a", "b"})
	samePlace(t, struct {
		A string
		B [3]int
	}{"x", [3]int{1, 2, 3}})
	samePlace(t, netip.MustParseAddr("10.0.0.1"))
	type named string
	samePlace(t, named("x"))
}

func samePlace[K comparable](t *testing.T, keys ...K) {
	t.Helper()
	b := newBench(t)
	var m pstate.Map[K, int]
	b.declare(&m, "m")
	of := pstate.Placer(&m)
	stored := pstate.SchemaOf(pstate.LayoutOf(pstate.DeclOf(&m).Schema))
	kind, err := wire.KeyTypeOf(reflect.TypeFor[K]())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		text, err := kind.Append(nil, reflect.ValueOf(key))
		if err != nil {
			t.Fatal(err)
		}
		const tasks = 1000
		want, _, err := of(key, tasks, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := stored.Task(&wire.Segment{Kind: wire.SegmentEncoded, Text: string(text)}, tasks)
		if err != nil || got != want {
			t.Errorf("%T %v: task %d, %v; want %d", key, key, got, err, want)
		}
	}
}

// Tags and embedded structs change the JSON of a key, and a form of its own that of its
// type: the first is in the layout, the second is told.
func TestPlaceOfKeysWithOtherJSON(t *testing.T) {
	t.Parallel()
	kind, err := wire.KeyTypeOf(reflect.TypeFor[struct {
		City string `json:"c"`
		In   spot
	}]())
	if err != nil {
		t.Fatal(err)
	}
	if got := kind.GoType().String(); !strings.Contains(got, `json:\"c\"`) {
		t.Errorf("type %s", got)
	}
	samePlace(t, struct {
		City string `json:"c,omitempty"`
		Day  int    `json:",omitempty"`
		In   spot
	}{"", 0, spot{1, 2}})
	if _, err := wire.KeyTypeOf(reflect.TypeFor[tagged]()); err == nil {
		t.Error("an embedded struct that is not exported is a key")
	}
	b := newBench(t)
	var m pstate.Map[level, int]
	b.declare(&m, "m")
	stored := pstate.SchemaOf(pstate.LayoutOf(pstate.DeclOf(&m).Schema))
	if _, err := stored.Task(&wire.Segment{Kind: wire.SegmentInt, Number: 3}, 10); !errors.Is(err, pstate.ErrPlacedByCode) {
		t.Errorf("a key with a JSON form of its own: %v", err)
	}
	if stored.Kind != overlay.KindMap || stored.Keyed != stored {
		t.Errorf("schema %+v", stored)
	}
}
