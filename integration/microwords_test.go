package integration

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// wordsOf counts words in a stream or in microbatches.
type wordsOf struct {
	name       string
	microbatch bool
	Sentences  module.Depot[string]
	Counts     pstate.Map[string, int]
	count      module.Step[string]
}

func (m *wordsOf) ModuleName() string { return m.name }

func (m *wordsOf) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences", module.Text())
	var of interface {
		module.Topology
		PState(h pstate.Schema, name string, options ...pstate.Option)
	}
	if m.microbatch {
		of = b.Microbatch("micro")
	} else {
		of = b.Stream("words")
	}
	of.PState(&m.Counts, "counts")
	module.DeclareStep(of, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), func(ev *module.Event, w string) error {
		agg.Inc(ev, m.Counts.Key(w))
		return nil
	})
	module.DeclareSource(of, m.Sentences, func(ev *module.Event, s string) error {
		for w := range strings.FieldsSeq(s) {
			m.count.Send(ev, w)
		}
		return nil
	})
}

// BenchmarkWords counts the words of 40,000 sentences in a stream and in microbatches:
// words for each second from the first append until all are counted. What counts is the
// ratio of the two.
func BenchmarkWords(b *testing.B) {
	for _, w := range worlds() {
		for _, microbatch := range []bool{false, true} {
			kind := map[bool]string{false: "stream", true: "microbatch"}[microbatch]
			b.Run(w.name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					c := start(b, w)
					m := &wordsOf{name: unique("Words"), microbatch: microbatch}
					if err := c.Launch(b.Context(), m, localcluster.LaunchConfig{Tasks: 4, ShareValues: true}); err != nil {
						b.Fatal(err)
					}
					begun := time.Now()
					countAll(b, c, m)
					b.ReportMetric(8*sentencesCounted/time.Since(begun).Seconds(), "words/s")
				}
			})
		}
	}
}

const sentencesCounted = 40_000

// countAll appends the sentences, by several programs, and waits until they are counted.
func countAll(b *testing.B, c *localcluster.Cluster, m *wordsOf) {
	const programs = 64
	places := make([][]client.Place, programs)
	var group sync.WaitGroup
	for p := range programs {
		group.Go(func() {
			to := &placer{c: c.Client()}
			for i := range sentencesCounted / programs {
				if _, err := m.Sentences.Append(b.Context(), to, sentences[(i+p)%len(sentences)]); err != nil {
					b.Error(err)
					return
				}
				places[p] = append(places[p], to.at)
			}
		})
	}
	group.Wait()
	if m.microbatch {
		if err := c.WaitForMicrobatchProcessedCount(b.Context(), m, "micro", sentencesCounted); err != nil {
			b.Fatal(err)
		}
		return
	}
	for _, mine := range places {
		for _, at := range mine[max(0, len(mine)-50):] { // the last ones
			if _, err := c.Client().Await(b.Context(), at); err != nil {
				b.Fatal(err)
			}
		}
	}
}

var sentences = []string{
	"to be or not to be that is", "whether tis nobler in the mind to suffer", "the slings and arrows of outrageous fortune or",
	"to take arms against a sea of troubles", "and by opposing end them to die to", "sleep no more and by a sleep to",
}
