package main

import (
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// counting counts records by their key; the value is the key and padding.
type counting struct {
	name   string
	first  *firstRecord // nil: nobody asks for it
	Clicks module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *counting) ModuleName() string { return m.name }

func keyOf(v string) string { return v[:keyBytes] }

const keyBytes = 12

func (m *counting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", keyOf, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		m.first.note()
		agg.Inc(ev, m.Counts.Key(keyOf(v)))
		return nil
	}, module.StartFromBeginning())
}

// wording splits sentences and counts words where they belong.
type wording struct {
	name      string
	exact     bool         // exactly once
	micro     bool         // a microbatch topology instead of a stream
	first     *firstRecord // nil: nobody asks for it
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int64]

	count module.Step[string]
}

func (m *wording) ModuleName() string { return m.name }

func (m *wording) hops() {}

func (m *wording) options() (all []module.StreamOption) {
	if m.exact {
		all = append(all, module.ExactlyOnce())
	}
	return all
}

// once reports whether each word is counted once, whatever is tried again.
func (m *wording) once() bool { return m.exact || m.micro }

func (m *wording) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences", module.Text())
	var s interface {
		module.Topology
		PState(h pstate.Schema, name string, options ...pstate.Option)
	}
	if m.micro {
		s = b.Microbatch("words")
	} else {
		s = b.Stream("words", m.options()...)
	}
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), func(ev *module.Event, w string) error {
		agg.Inc(ev, m.Counts.Key(w))
		return nil
	})
	module.DeclareSource(s, m.Sentences, func(ev *module.Event, v string) error {
		m.first.note()
		for w := range strings.SplitSeq(v, " ") {
			m.count.Send(ev, w)
		}
		return nil
	}, module.StartFromBeginning())
}
