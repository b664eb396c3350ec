package forest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The guide says how long the three solutions are.
func TestTheGuideCountsLines(t *testing.T) {
	t.Parallel()
	row := "| code, in lines |"
	for _, solution := range []string{"componentsmicrobatch", "components", "componentsexact"} {
		row += fmt.Sprintf(" %d |", codeLines(t, filepath.Join("..", "..", solution, "module.go")))
	}
	guide, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "guides", "transactions.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), row) {
		t.Errorf("docs/guides/transactions.md does not have the row %q", row)
	}
}

// codeLines counts the lines of a file that are neither blank nor comments.
func codeLines(t *testing.T, name string) (n int) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}
