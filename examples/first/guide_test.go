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
	const page = "docs/guides/first.md"
	guide.Shows(t, page, "*.go")
	var out strings.Builder
	if err := try(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if printed := "```text\n" + out.String() + "```\n"; !strings.Contains(guide.Page(t, page), printed) {
		t.Errorf("the guide does not say that it prints\n%s", printed)
	}
}
