package virtual

import (
	"testing"
	"testing/synctest"
	"time"
)

// promise 3.17: a whole module runs under virtual time, and an acked append
// returns in none of it.
func TestAModuleRunsUnderVirtualTime(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := &tally{}
		w.launch(m, launching{})
		u := w.user(m)
		before := time.Now()
		for i := range 20 {
			if _, err := m.Clicks.Append(t.Context(), u.Client, click{i % keys, i}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(before); took > time.Second {
			t.Errorf("20 appends took %v of virtual time", took)
		}
		t.Log("20 appends", time.Since(before))
		counted, err := m.counted(u.At(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if len(counted) != 20 {
			t.Errorf("%d clicks were counted, want 20", len(counted))
		}
		elapse(time.Hour)
	})
	t.Log("wall", time.Since(begun))
}
