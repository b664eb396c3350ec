package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/internal/guide"
)

// The code of guides is that of examples.
func TestGuidesShowExamples(t *testing.T) {
	t.Parallel()
	for page, files := range map[string][]string{
		"docs/guides/from-rama.md":          {"basic/*.go"},
		"docs/guides/from-kafka-streams.md": {"regions/*.go"},
		"docs/guides/queries.md":            {"reach/*.go", "../localcluster/queryrows_test.go"},
	} {
		guide.Shows(t, page, files...)
	}
	guide.Blocks(t, "README.md", "go")[0].In(t, "wordcount/module.go")
}

// The page of the examples is made from their lists, and each has its file.
func TestThePageOfTheExamples(t *testing.T) {
	t.Parallel()
	guide.Current(t, "docs/reference/examples.md", "", reference())
	for _, page := range pages {
		for _, p := range page.Programs {
			if _, err := os.Stat(filepath.FromSlash(source(page, p))); err != nil {
				t.Errorf("%s/%s: %v", page.Name, p.Name, err)
			}
		}
	}
}

// source is the file or folder of a program.
func source(page program.Page, p program.Program) string {
	if p.Source != "" {
		return p.Source
	}
	return page.Name + "/" + p.Name + ".go"
}

func reference() string {
	var b strings.Builder
	b.WriteString(`# Examples

Made from the lists of the programs: ` + "`COPPICE_UPDATE=1 go test ./examples -run Page`" + ` writes it anew.

` + "`go run ./examples`" + ` lists them, ` + "`go run ./examples depots/ticks`" + ` runs one, and ` + "`make examples`" + ` runs all: each on a
cluster of its own in that process, and what it prints is held against what it is to print, which
stands at its end. The last column names the example of Rama's documentation that shows the same.
A larger one is [flights](../../examples/flights), which ` + "`coppice demo`" + ` runs.
`)
	for _, page := range pages {
		fmt.Fprintf(&b, "\n## %s\n", page.Title)
		if page.Programs != nil {
			b.WriteString("\n| program | shows | Rama |\n|---|---|---|\n")
		}
		for _, p := range page.Programs {
			fmt.Fprintf(&b, "| [%s/%s](../../examples/%s) | %s | %s |\n", page.Name, p.Name, source(page, p), p.Shows, p.Rama)
		}
		if page.Missing != nil {
			b.WriteString("\nNot there, or otherwise:\n\n")
		}
		for _, m := range page.Missing {
			fmt.Fprintf(&b, "- %s: %s.\n", m.Rama, m.Text)
		}
	}
	return b.String()
}
