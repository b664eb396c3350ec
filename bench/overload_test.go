package main

import (
	"errors"
	"testing"
)

func TestAnOverloadLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	fold, maybe := map[string]int64{"a": 3, "b": 1}, map[string]int64{"b": 2}
	for _, c := range []struct {
		a, b int64
		ok   bool
	}{{3, 1, true}, {3, 3, true}, {2, 1, false}, {3, 0, false}, {4, 1, false}, {3, 4, false}} {
		if err := within(map[string]int64{"a": c.a, "b": c.b}, fold, maybe); (err == nil) != c.ok {
			t.Errorf("%d and %d of 3 and 1 to 3: %v", c.a, c.b, err)
		}
	}
	if within(map[string]int64{"a": 3, "b": 1, "c": 1}, fold, maybe) == nil {
		t.Error("what nobody appended was counted")
	}
}

func TestAnOverloadIsBounded(t *testing.T) {
	t.Parallel()
	if err := bounded(overloadTimes, overloadMemory+1); !errors.Is(err, errUnbounded) {
		t.Errorf("too much memory is %v", err)
	}
	if err := bounded(overloadTimes/2, 1); err == nil || errors.Is(err, errUnbounded) {
		t.Errorf("a load of half as much is %v", err)
	}
	if bounded(overloadTimes, 0) == nil {
		t.Error("memory that nobody sees is bounded")
	}
	if err := bounded(overloadTimes, overloadMemory); err != nil {
		t.Error(err)
	}
}
