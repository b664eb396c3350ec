package agg_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/module/agg"
)

// promise 3.81 promise 3.84: how the values become one does not hang on how they
// are grouped on the way.
func TestCombinersAreAssociative(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]agg.Combiner[int]{
		"last": agg.Last[int](), "first": agg.First[int](), "sum": agg.Sum[int](), "smallest": agg.Smallest[int](), "largest": agg.Largest[int](),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				x, y, z := rapid.Int().Draw(t, "x"), rapid.Int().Draw(t, "y"), rapid.Int().Draw(t, "z")
				if left, right := c.Combine(c.Combine(x, y), z), c.Combine(x, c.Combine(y, z)); left != right {
					t.Fatalf("(%d %d) %d gives %d, %d (%d %d) gives %d", x, y, z, left, x, y, z, right)
				}
			})
		})
	}
	for name, c := range map[string]struct {
		combiner agg.Combiner[int]
		want     int
	}{"last": {agg.Last[int](), 2}, "first": {agg.First[int](), 5}, "sum": {agg.Sum[int](), 7}, "smallest": {agg.Smallest[int](), 2}, "largest": {agg.Largest[int](), 5}} {
		if got := c.combiner.Combine(5, 2); got != c.want {
			t.Errorf("%s of 5 and 2 is %d", name, got)
		}
	}
}

// promise 3.84: a combiner may have a start value.
func TestStart(t *testing.T) {
	t.Parallel()
	c := agg.Sum[int]().Start(100)
	if c.Zero == nil || c.Zero() != 100 || agg.Sum[int]().Zero != nil {
		t.Error("the start value is not there, or always")
	}
}
