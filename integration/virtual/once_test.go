package virtual

import "testing"

// exactlyOnce checks that each click in the depot counted once, and no other.
func (w *world) exactlyOnce(t *testing.T, m *tally, u *user, l *load, tasks int) {
	t.Helper()
	if err := u.processed(t.Context(), m.ModuleName(), "clicks", tasks); err != nil {
		t.Error(err)
	}
	inDepot := w.inDepot(t.Context(), u.party, m.ModuleName(), "clicks", tasks)
	l.check(t, inDepot)
	counted, err := m.counted(u.At(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for c := range inDepot {
		if counted[c] != 1 {
			t.Errorf("click %v is in the depot and counted %d times", c, counted[c])
		}
		delete(counted, c)
	}
	for c, n := range counted {
		t.Errorf("click %v is not in the depot and counted %d times", c, n)
	}
}
