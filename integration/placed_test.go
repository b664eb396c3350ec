package integration

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// misplaced is a PState whose partitioner chooses a task that there is not, for long words.
type misplaced struct {
	name   string
	Words  module.Depot[string]
	Counts pstate.Map[string, int]
}

func (m *misplaced) ModuleName() string { return m.name }

func (m *misplaced) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	s := b.Stream("s")
	s.PState(&m.Counts, "counts", pstate.PartitionBy(func(w string, _ int) int { return len(w) - 1 }))
	module.DeclareSource(s, m.Words, func(ev *module.Event, w string) error {
		m.Counts.Key(w).Set(ev, 1)
		return nil
	}, module.MaxAttempts(1))
}

// A partitioner that chooses no task of the module fails the event, and what it did is taken back.
func TestAPartitionerChoosesNoTask(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &misplaced{name: unique("Misplaced")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Words.Append(t.Context(), c.Client(), "long"); !errors.Is(err, client.ErrFailed) || !strings.Contains(err.Error(), "chose task 3") {
			t.Errorf("a key of task 3, of one: %v", err)
		}
		if _, err := m.Words.Append(t.Context(), c.Client(), "x"); err != nil {
			t.Error(err)
		}
	})
}
