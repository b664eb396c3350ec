package memstore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/model"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Harness { return storetest.Harness{Store: memstore.New()} })
}

// Random operations on PStates of every kind give what maps and slices give.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			s := memstore.New()
			r, err := model.Run(t.Context(), model.Config{Store: s, Seed: seed, Ops: 10_000, Keys: func(_ context.Context, prefix string) ([]string, error) {
				return append(s.Keys(strings.Trim(prefix, "{}")), prefix+":head"), nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(r)
		})
	}
}

// The measurement of large structures does what it says, on small ones.
func TestLarge(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := memstore.New()
	if err := model.Large(t.Context(), model.Config{Store: s}, 3000, &out); err != nil {
		t.Fatal(err)
	}
	if keys := s.Keys("Model.0.1"); len(keys) > 0 || !strings.Contains(out.String(), "3000 elements") {
		t.Errorf("left %q, printed\n%s", keys, &out)
	}
}
