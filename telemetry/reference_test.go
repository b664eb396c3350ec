package telemetry

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const referenceFile = "../docs/reference/telemetry.md"

// The reference is what the code says.
func TestReference(t *testing.T) {
	t.Parallel()
	want := Reference()
	if os.Getenv("COPPICE_UPDATE") != "" {
		if err := os.WriteFile(referenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("docs/reference/telemetry.md is not what the code says: COPPICE_UPDATE=1 go test ./telemetry")
	}
}

// Every attribute of our own is explained, and every name is there once.
func TestEveryAttributeIsExplained(t *testing.T) {
	t.Parallel()
	explained := map[string]bool{}
	for _, k := range keyHelp {
		explained[string(k.Key)] = true
	}
	var names []string
	for i := range metrics {
		names = append(names, metrics[i].Name)
		for _, k := range metrics[i].Attributes {
			if !explained[string(k)] {
				t.Errorf("%s has the attribute %s, which nobody explains", metrics[i].Name, k)
			}
		}
	}
	for _, d := range spanDocs {
		for _, k := range d.Attributes {
			if strings.HasPrefix(string(k), "coppice.") && !explained[string(k)] {
				t.Errorf("span %s has the attribute %s, which nobody explains", d.Name, k)
			}
		}
	}
	slices.Sort(names)
	if n := len(names); len(slices.Compact(names)) != n {
		t.Error("two metrics have one name")
	}
}
