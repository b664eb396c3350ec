package integration

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// bulky writes as many fields, of as many bytes, as a record asks for.
type bulky struct {
	name  string
	Asked module.Depot[bulk]
	Texts pstate.MapOf[int, pstate.Map[int, string]]
}

type bulk struct{ Key, Fields, Bytes int }

func (m *bulky) ModuleName() string { return m.name }

func (m *bulky) Define(b *module.Builder) {
	module.HashDepot(b, &m.Asked, "asked", func(b bulk) int { return b.Key })
	s := b.Stream("texts")
	s.PState(&m.Texts, "texts")
	module.DeclareSource(s, m.Asked, func(ev *module.Event, b bulk) error {
		for i := range b.Fields {
			m.Texts.Key(b.Key).Key(i).Set(ev, strings.Repeat("x", b.Bytes))
		}
		return nil
	})
}

// R42: an event that alone writes more than a transaction may is parked with a word; what
// others write together is split.
func TestAnEventThatIsTooLarge(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &bulky{name: unique("Bulky")}
		options := runtime.Options{MaxFieldsPerBatch: 100, MaxBytesPerBatch: 100_000}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2, Options: options}); err != nil {
			t.Fatal(err)
		}
		for _, b := range []bulk{{1, 51, 1}, {1, 2, 30_000}} {
			_, err := m.Asked.Append(t.Context(), c.Client(), b)
			var failed *client.FailedError
			if !errors.As(err, &failed) || !failed.Parked || !strings.Contains(err.Error(), "per.batch.max") {
				t.Errorf("%d fields of %d bytes: %v, want it parked", b.Fields, b.Bytes, err)
			}
		}
		var begun []*module.Pending
		for i := range 40 {
			begun = append(begun, m.Asked.Start(t.Context(), c.Client(), bulk{i, 40, 1000}))
		}
		for i, p := range begun {
			if _, err := p.Wait(t.Context()); err != nil {
				t.Errorf("record %d of 40 fields and 40,000 bytes: %v", i, err)
			}
		}
		for i := range begun {
			if n, err := m.Texts.Key(i).Len(c.Client().At(t.Context())); n != 40 || err != nil {
				t.Errorf("key %d has %d fields, %v", i, n, err)
			}
		}
	})
}
