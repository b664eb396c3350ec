// Package wordcount is the module of the README: words are counted where their
// counts are kept, and an append returns the number of words.
package wordcount

import (
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Words is the example.
type Words struct {
	Sentences module.Depot[string]    // the input: a Kafka topic
	Counts    pstate.Map[string, int] // the state: Redis hashes, one per task
	Total     module.Ack[int]         // what an append returns

	count module.Step[string]
}

// Define declares it.
func (m *Words) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	// Each word is counted on the task that keeps its count.
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), m.onWord)
	module.DeclareSource(s, m.Sentences, m.onSentence)
}

func (m *Words) onSentence(ev *module.Event, sentence string) error {
	for w := range strings.FieldsSeq(sentence) {
		m.count.Send(ev, w) // a hop: to another task, perhaps on another machine
	}
	return nil
}

func (m *Words) onWord(ev *module.Event, w string) error {
	agg.Inc(ev, m.Counts.Key(w))
	m.Total.Return(ev, 1)
	return nil
}
