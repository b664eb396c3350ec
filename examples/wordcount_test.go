package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

func TestWordCount(t *testing.T) {
	t.Parallel()
	const want = "words: 6\nbe: 2\nnot: 1\nor: 1\nto: 2\n"
	if got := exampletest.Output(t, wordcount.Demo, localcluster.LaunchConfig{}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

// promise 3.10, promise 3.11: as dataflow it does the same, event for event.
func TestWordcountAsDataflow(t *testing.T) {
	t.Parallel()
	handlers, flow := &wordcount.Words{}, &wordcount.Flow{}
	exampletest.SameEvents(t, handlers, flow, &flow.Words, func(m *wordcount.Words, kit *clustertest.Kit) error {
		acks, err := m.Sentences.Append(t.Context(), kit, "to be or not to be")
		if total, _ := m.Total.From(acks); total != 6 {
			t.Errorf("the append returned %d", total)
		}
		for word, want := range map[string]int{"to": 2, "be": 2, "or": 1, "not": 1} {
			if n, err := m.Counts.Key(word).Get(kit); n != want || err != nil {
				t.Errorf("%s was counted %d times, error %v", word, n, err)
			}
		}
		return err
	}, "sentences")
}
