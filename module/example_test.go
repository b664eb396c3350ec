package module_test

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Words counts words where their counts are kept.
type Words struct {
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int]
	count     module.Step[string]
}

func (m *Words) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), m.onWord)
	module.DeclareSource(s, m.Sentences, m.onSentence)
}

func (m *Words) onSentence(ev *module.Event, sentence string) error {
	for w := range strings.FieldsSeq(sentence) {
		m.count.Send(ev, w)
	}
	return nil
}

func (m *Words) onWord(ev *module.Event, w string) error {
	agg.Inc(ev, m.Counts.Key(w))
	return nil
}

// A module's plan says what it consists of. Mistakes are errors of Compile, all at once.
func Example() {
	plan, err := module.Compile(&Words{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan)
	// Output:
	// module Words
	//   depot   sentences        string, by random, stored as json
	//   stream  words
	//     pstate  counts         map[string]int
	//     source  sentences      from the end, failed records retried, parked after 10 attempts
	//     step    count          string, at counts
	//     guarantee: exactly once for records that neither hop nor append to depots, at least once for those that do
}
