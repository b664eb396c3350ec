package componentsexact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/simulation"
)

// promise 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10 (the case), promise 0.30, 0.31,
// 0.38, 0.39, 0.41 (what is left of the solution where events are exactly once): no
// schedule and no fault breaks the integrity, at any moment.
func TestIntegrityHoldsAtEveryMoment(t *testing.T) {
	t.Parallel()
	simulation.CheckWorkload(t, Workload(), 100)
}

// promise 0.09, promise 0.40: a module that does not tell the parent of a child that was
// refused is found out, with the interleaving that shows it.
func TestThePlantedBugIsFound(t *testing.T) {
	t.Parallel()
	w := Workload()
	w.New = func() simulation.Case { return &trial{m: Module{forgetful: true}} }
	found := &recorder{TB: t}
	simulation.CheckWorkload(found, w, 1000)
	if found.said == "" {
		t.Fatal("1,000 seeds did not find the planted bug")
	}
	for _, part := range []string{"which does not exist, or has the parent", "reduced to", "ran forest/persist"} {
		if !strings.Contains(found.said, part) {
			t.Errorf("the story does not say %q", part)
		}
	}
}

// recorder takes what a check says instead of failing.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }
