package integration

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
)

// doubters is two streams that read one depot: the second refuses what the first takes.
type doubters struct {
	name  string
	Words module.Depot[string]
}

func (m *doubters) ModuleName() string { return m.name }

func (m *doubters) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	for _, name := range []string{"takes", "refuses", "takes too"} {
		module.DeclareSource(b.Stream(strings.ReplaceAll(name, " ", "-")), m.Words, func(*module.Event, string) error {
			if name == "refuses" {
				return module.Reject(errors.New("not this one"))
			}
			return nil
		})
	}
}

// promise 3.80: an append fails if any stream of the module rejects the record, also where
// they end in one commit.
func TestOneOfSeveralStreamsRejects(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &doubters{name: unique("Doubters")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := m.Words.Append(t.Context(), c.Client(), "x"); !errors.Is(err, client.ErrRejected) {
				t.Fatalf("an append that one stream rejects: %v", err)
			}
		}
	})
}

// reporters is a stream with two sources over one depot, which both return something.
type reporters struct {
	name    string
	options []module.StreamOption
	Words   module.Depot[string]
	Total   module.Ack[int]
	Said    module.Ack[string]
}

func (m *reporters) ModuleName() string { return m.name }

func (m *reporters) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	s := b.Stream("s", m.options...)
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareAck(s, &m.Said, agg.Combiner[string]{Combine: func(a, b string) string {
		if b == "panic" {
			panic("no more")
		}
		return a + b
	}})
	for i, id := range []string{"a", "b"} {
		module.DeclareSource(s, m.Words, func(ev *module.Event, word string) error {
			m.Total.Return(ev, 1+9*i)
			m.Total.Return(ev, 100)
			m.Said.Return(ev, id)
			m.Said.Return(ev, word)
			return nil
		}, module.SourceID(id))
	}
}

// promise 3.76: all that the handlers of a stream return for one record is combined, also
// where several of its sources read the depot. A combiner that fails is told.
func TestReturnsOfSeveralSources(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		for name, options := range map[string][]module.StreamOption{"AtLeastOnce": nil, "ExactlyOnce": {module.ExactlyOnce()}} {
			m := &reporters{name: unique(name), options: options}
			if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
				t.Fatal(err)
			}
			acks, err := m.Words.Append(t.Context(), c.Client(), "x")
			total, _ := m.Total.From(acks)
			said, _ := m.Said.From(acks)
			if err != nil || total != 211 || said != "axbx" {
				t.Errorf("%s: the acks are %d and %q, %v; want 211 and axbx", name, total, said, err)
			}
			acks, err = m.Words.Append(t.Context(), c.Client(), "panic")
			total, _ = m.Total.From(acks)
			var lost *client.AckError
			if !errors.As(err, &lost) || !errors.Is(err, client.ErrAck) || lost.Topology != "s" || total != 211 {
				t.Errorf("%s: a combiner that panics: %d, %v; want 211 and an AckError", name, total, err)
			}
		}
	})
}
