// Package exampletest runs examples in tests.
package exampletest

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/localcluster"
)

// Output runs a demo on a cluster in memory and returns what it printed.
func Output(t *testing.T, demo program.Demo, launch localcluster.LaunchConfig) string {
	t.Helper()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	var out strings.Builder
	if err := demo(t.Context(), c, launch, "", &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
