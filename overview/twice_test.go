package overview

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Two looks tell what stands still, and what got on meanwhile is not told of; where nothing is
// to be done there is one look, and no wait.
func TestTwice(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end    int64 // of each partition
		paused bool
		gets   int64 // how far it gets on meanwhile
		waits  int
		found  string
	}{
		"it stands":      {end: 100, waits: 1, found: "topology t stands still, with 300 records to do"},
		"it gets on":     {end: 100, gets: 1, waits: 1},
		"nothing to do":  {},
		"held by a hand": {end: 100, paused: true, found: "is paused"},
	} {
		r := newRig(t)
		r.town.end, r.town.paused = test.end, test.paused
		waits := 0
		all, err := r.o.Twice(t.Context(), func(_ context.Context, d time.Duration) error {
			waits++
			r.at, r.town.next = r.at.Add(d), test.gets
			return nil
		})
		if err != nil || waits != test.waits {
			t.Fatalf("%s: %d waits, %v", name, waits, err)
		}
		first := all[0].Module.Findings[0].What
		if test.found != "" && !strings.Contains(first, test.found) || test.found == "" && !strings.Contains(first, "parked") {
			t.Errorf("%s: found %+v", name, all[0].Module.Findings)
		}
	}
}

// A wait that is interrupted is told.
func TestTwiceInterrupted(t *testing.T) {
	t.Parallel()
	want := errors.New("interrupted")
	if _, err := newRig(t).o.Twice(t.Context(), func(context.Context, time.Duration) error { return want }); !errors.Is(err, want) {
		t.Error(err)
	}
}
