package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/payments"
	"github.com/coppice-run/coppice/localcluster"
)

// A topic of others in Avro is read, with fewer partitions than tasks and with more; what others
// read is written (5.04, 5.05).
func TestPayments(t *testing.T) {
	t.Parallel()
	const want = `ada has 300 cents
bob has 0 cents
cyd has 0 cents
parked, with the key eve: "a payment?"
ada: 300 cents
bob: deleted
`
	for _, tasks := range []int{2, 4} {
		if got := exampletest.Output(t, payments.Demo, localcluster.LaunchConfig{Tasks: tasks, Workers: 2}); got != want {
			t.Errorf("with %d tasks the demo printed\n%swant\n%s", tasks, got, want)
		}
	}
}

// Every block of Go in the guide is in the example, or in a test that is compiled, but for its indentation.
func TestTheGuideToTopicsShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, name := range []string{"payments/module.go", "payments/demo.go", "payments_guide_test.go"} {
		raw, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString(flat(string(raw)))
	}
	guide, err := os.ReadFile(filepath.Join("..", "docs", "guides", "existing-topics.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	for _, part := range blocks {
		block, _, closed := strings.Cut(part, "```")
		if !closed {
			t.Fatal("a block of the guide is not closed")
		}
		for piece := range strings.SplitSeq(block, "…\n") {
			if !strings.Contains(code.String(), flat(piece)) {
				t.Errorf("the example does not have this code of the guide:\n%s", piece)
			}
		}
	}
	if len(blocks) < 6 {
		t.Errorf("the guide has %d blocks of Go: it was not read", len(blocks))
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
