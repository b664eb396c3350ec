package flow_test

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/pstate"
)

// Counted counts words, as dataflow: a hop is where an event ends and another one begins, on the
// task that keeps the count, with the variables that are used behind it.
type Counted struct {
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int]
}

func (m *Counted) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	flow.Source(s, m.Sentences, func(b *flow.Block, sentence flow.Var[string]) {
		word := flow.Explode(b, flow.F1(strings.Fields, sentence))
		flow.HopAt(b, &m.Counts, word, flow.Named("count"))
		flow.Agg(b, flow.Key(&m.Counts, word), flow.Count[int]())
	})
}

func Example() {
	plan, err := module.Compile(&Counted{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan)
	// Output:
	// module Counted
	//   depot   sentences        string, by random, stored as json
	//   stream  words
	//     pstate  counts         map[string]int
	//     source  sentences      from the end, failed records retried, parked after 10 attempts
	//     step    count          variables, at counts, carried as string
	//     guarantee: exactly once for records that neither hop nor append to depots, at least once for those that do
}
