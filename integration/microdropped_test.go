package integration

import (
	"errors"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// withoutBank is a version of transfers that has the PStates, and another topology.
type withoutBank struct {
	name     string
	Moves    module.Depot[transferred]
	Balances pstate.Map[string, int]
	IDs      pstate.Map[string, int]
}

func (m *withoutBank) ModuleName() string { return m.name }

func (m *withoutBank) Define(b *module.Builder) {
	module.HashDepot(b, &m.Moves, "moves", func(v transferred) string { return v.From })
	s := b.Stream("stream")
	s.PState(&m.Balances, "balances")
	s.PState(&m.IDs, "ids")
	module.DeclareSource(s, m.Moves, func(*module.Event, transferred) error { return nil })
}

// promise 0.18: a version that has no longer a microbatch topology is refused while a microbatch of it
// is decided and not applied: nobody would apply the rest.
func TestADroppedTopologyHasToBeApplied(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &transfers{name: unique("Dropped")}
		launch := func(m module.Module) error {
			return c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3})
		}
		if err := launch(m); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Moves.Append(t.Context(), c.Client(), transferred{From: "a", To: "b", Cents: 5}); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, "bank", 1); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.Workers() {
			if err := w.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		// The coordinator decides one more and is gone before anybody hears of it.
		slot := wire.Slot(task.Tag(m.name, 0, 3))
		token := task.Token{1}
		session, previous, err := c.Store().Take(t.Context(), slot, task.Head{Mark: task.Mark{Token: token}})
		if err != nil {
			t.Fatal(err)
		}
		table := wire.MicrobatchTable(slot.Tag, "bank")
		reads := []store.Read{{Kind: store.Get, Table: table, Field: wire.CurrentField}}
		if err := session.Read(t.Context(), reads); err != nil {
			t.Fatal(err)
		}
		put := func(number uint64, s microbatch.State) {
			t.Helper()
			b := &store.Batch{Head: task.Head{Mark: task.Mark{Token: token, Number: number}, Replaced: previous.Mark}}
			b.Changes = []store.Change{{Table: table, Writes: []store.Write{{Field: wire.CurrentField, Value: string(s.AppendText(nil))}}}}
			if err := session.Commit(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		state, err := microbatch.ParseState(reads[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		next := state
		next.ID, next.Before = state.ID+1, state.Token
		put(1, next)
		var unapplied *module.UnappliedError
		if err := launch(&withoutBank{name: m.name}); !errors.As(err, &unapplied) || unapplied.Topology != "bank" || unapplied.Microbatch != next.ID || !slices.Equal(unapplied.Tasks, []int{0, 1, 2}) {
			t.Fatalf("decided and not applied: %v", err)
		}
		next.Decided = false
		put(2, next)
		if err := session.Close(); err != nil {
			t.Fatal(err)
		}
		if err := launch(&withoutBank{name: m.name}); err != nil {
			t.Fatalf("not decided: %v", err)
		}
		if n, err := (&m.Balances).Key("b").Get(c.Client().At(t.Context())); err != nil || n != 5 {
			t.Errorf("b has %d (%v)", n, err)
		}
	})
}
