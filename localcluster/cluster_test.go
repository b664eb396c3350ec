package localcluster_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// words counts words: a step at the count's task per word, and an ack with the
// number of words of the sentence.
type words struct {
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int]
	Words     module.Ack[int]

	count module.Step[string]
}

func (m *words) Define(b *module.Builder) {
	module.HashDepot(b, &m.Sentences, "sentences", func(s string) string { return s })
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Words, agg.Sum[int]())
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), m.onWord)
	module.DeclareSource(s, m.Sentences, m.onSentence)
}

func (m *words) onSentence(ev *module.Event, sentence string) error {
	for w := range strings.FieldsSeq(sentence) {
		m.count.Send(ev, w)
	}
	return nil
}

func (m *words) onWord(ev *module.Event, w string) error {
	agg.Inc(ev, m.Counts.Key(w))
	m.Words.Return(ev, 1)
	return nil
}

func TestAppendReturnsWhatTheStreamComputed(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var m words
	if err := c.Launch(t.Context(), &m, localcluster.LaunchConfig{Workers: 2}); err != nil {
		t.Fatal(err)
	}
	t.Log("launched", time.Since(begin))
	for range 3 {
		b := time.Now()
		acks, err := m.Sentences.Append(t.Context(), c.Client(), "to be or not to be")
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := m.Words.From(acks); !ok || n != 6 {
			t.Errorf("the ack is %d, %v; the sentence has 6 words", n, ok)
		}
		t.Log("acked", time.Since(b))
	}
	for w, want := range map[string]int{"to": 6, "be": 6, "or": 3, "not": 3, "absent": 0} {
		if got, err := m.Counts.Key(w).Get(c.Client().At(t.Context())); err != nil || got != want {
			t.Errorf("count of %q is %d, %v; want %d", w, got, err, want)
		}
	}
}

// Start to first acked append: what a test pays for a cluster.
func BenchmarkStartToFirstAck(b *testing.B) {
	for b.Loop() {
		c, err := localcluster.Start(b.Context(), localcluster.Config{})
		if err != nil {
			b.Fatal(err)
		}
		var m words
		if err := c.Launch(b.Context(), &m, localcluster.LaunchConfig{}); err != nil {
			b.Fatal(err)
		}
		if _, err := m.Sentences.Append(b.Context(), c.Client(), "one two three"); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
