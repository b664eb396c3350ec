package aggtest_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/agg/aggtest"
)

func ints(r *rand.Rand) int { return r.IntN(20) }

// promise 13.07: each law is found broken where it is.
func TestBrokenLawsAreFound(t *testing.T) {
	t.Parallel()
	calls := 0
	for law, by := range map[string]agg.Aggregator[int, int]{
		"associative": agg.Combiner[int]{Combine: func(a, b int) int { return a - b }},
		"identity":    agg.Sum[int]().Start(1),
		"deterministic": agg.Combiner[int]{Combine: func(a, b int) int {
			calls++
			return a + b + calls
		}},
		"usable": agg.Combiner[int]{},
	} {
		wants(t, law, aggtest.Verify(by, ints))
	}
	wants(t, "commutes", aggtest.Verify(agg.Last[int](), ints, aggtest.Laws[int]{Commutes: true}))
	wants(t, "round trip", aggtest.Verify(agg.Accumulator[int, result]{
		Zero: func() result { return result{} }, Add: func(r result, n int) result { return result{r.Kept + n, r.Lost + n} },
	}, ints))
	wants(t, "round trip", aggtest.Verify(agg.Accumulator[int, chan int]{
		Zero: func() chan int { return nil }, Add: func(c chan int, _ int) chan int { return c },
	}, ints))
	// Parts that do not add up to the whole: values of a part are counted from 0.
	wants(t, "associative", aggtest.Verify(agg.Accumulator[int, int]{
		Zero: func() int { return 0 }, Add: func(a, _ int) int { return min(a+1, 2) }, Merge: func(a, b int) int { return a + b },
	}, ints))
}

type result struct{ Kept, Lost int }

// MarshalJSON forgets a half.
func (r result) MarshalJSON() ([]byte, error) { return []byte(`{"Kept":0}`), nil }

func wants(t *testing.T, law string, err error) {
	t.Helper()
	var broken *aggtest.BrokenLaw
	if !errors.As(err, &broken) || broken.Law != law {
		t.Errorf("got %v, want that it is not %s", err, law)
	}
}
