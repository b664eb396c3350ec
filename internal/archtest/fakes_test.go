package archtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// fakes are the in-memory Kafka and Redis: linking one costs a test package seconds.
var fakes = []string{"github.com/twmb/franz-go/pkg/kfake", "github.com/alicebob/miniredis/v2"}

const fakesMax = 10

// links says whether the test binary of a package holds a fake.
func links(packages map[string]*source, path string) bool {
	seen := map[string]bool{}
	var visit func(imports map[string]bool) bool
	visit = func(imports map[string]bool) bool {
		for name := range imports {
			if slices.Contains(fakes, name) {
				return true
			}
			inside, found := strings.CutPrefix(name, modulePath+"/")
			if !found || seen[inside] || packages[inside] == nil {
				continue
			}
			seen[inside] = true
			if visit(packages[inside].everything) {
				return true
			}
		}
		return false
	}
	pkg := packages[path]
	return visit(pkg.everything) || visit(pkg.byTests)
}

func hasTests(pkg *source) bool {
	return slices.ContainsFunc(pkg.files, func(f file) bool { return f.test })
}

func TestFewTestPackagesLinkTheFakes(t *testing.T) {
	t.Parallel()
	packages := sources(t)
	var linking []string
	for _, path := range slices.Sorted(maps.Keys(packages)) {
		if hasTests(packages[path]) && links(packages, path) {
			linking = append(linking, path)
		}
	}
	if len(linking) > fakesMax {
		t.Errorf("%d test packages link kfake or miniredis, want at most %d: %s; test against the simulated world or move tests together",
			len(linking), fakesMax, strings.Join(linking, ", "))
	}
	if !slices.Contains(linking, "localcluster") {
		t.Errorf("localcluster runs on the fakes, and is not among %v: the imports were not followed", linking)
	}
}
