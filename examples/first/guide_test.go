package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/internal/guide"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The guide has these files as they are, and what the program prints.
func TestTheGuide(t *testing.T) {
	t.Parallel()
	guide.Shows(t, "docs/guides/first.md", "*.go")
	var out strings.Builder
	if err := try(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	guide.Outputs(t, "docs/guides/first.md", out.String())
}
