package forest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/simulation"
)

// FindsBug has the simulator find a bug that a test has planted, and checks that the story
// of the interleaving has some parts.
func FindsBug(t *testing.T, w simulation.Workload, planted func() simulation.Case, parts ...string) {
	t.Helper()
	const seeds = 1000
	w.New = planted
	found := &recorder{TB: t}
	simulation.CheckWorkload(found, w, seeds)
	if found.said == "" {
		t.Fatalf("%d seeds did not find the planted bug", seeds)
	}
	for _, part := range append(parts, "reduced to") {
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
