package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/localcluster"
)

func TestWordCount(t *testing.T) {
	t.Parallel()
	const want = "words: 6\nbe: 2\nnot: 1\nor: 1\nto: 2\n"
	if got := exampletest.Output(t, wordcount.Demo, localcluster.LaunchConfig{}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}
