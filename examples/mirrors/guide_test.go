package mirrors

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every block of Go in the guide is in a file of this folder, but for its indentation.
func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString(flat(string(raw)))
	}
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "modules.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	for _, part := range blocks {
		block, _, closed := strings.Cut(part, "```")
		if !closed {
			t.Fatal("a block of the guide is not closed")
		}
		if !strings.Contains(code.String(), flat(block)) {
			t.Errorf("no file of this folder has this code of the guide:\n%s", block)
		}
	}
	if len(blocks) < 5 {
		t.Error("the guide was not read: it has " + strconv.Itoa(len(blocks)) + " blocks of Go")
	}
}

// flat takes the indentation out of a text.
func flat(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimSpace(line))
		out.WriteByte('\n')
	}
	return out.String()
}
