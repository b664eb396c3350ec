package examples_test

import (
	"errors"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/examples/componentsexact"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// As dataflow the forest in an exactly-once stream does the same, event for event, with loops
// over tasks and places where several ways come together.
func TestComponentsExactAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &componentsexact.Flow{}
	exampletest.SameEvents(t, &componentsexact.Module{}, flow, &flow.Module, func(m *componentsexact.Module, kit *clustertest.Kit) error {
		create := func(id, parent string) componentsexact.Change {
			return componentsexact.Create{ID: id, Parent: parent, Text: "t"}
		}
		for _, c := range []componentsexact.Change{
			create("a", ""), create("b", "a"), create("c", "b"), create("d", "b"), create("e", "nobody"), create("f", "f"), create("c", "a"),
			componentsexact.Delete{ID: "d"}, componentsexact.Delete{ID: "nobody"}, componentsexact.Delete{ID: "a"}, create("b", "a"), create("a", ""),
		} {
			if _, err := m.Changes.Append(t.Context(), kit, c); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			kit.Settle()
		}
		return nil
	})
}

// The same of the bank: deposits, transfers, what is refused, and what is asked twice.
func TestBankAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &bank.Flow{}
	exampletest.SameEvents(t, &bank.Bank{Remember: 2}, flow, &flow.Bank, func(m *bank.Bank, kit *clustertest.Kit) error {
		m.Remember = 2
		for _, op := range []bank.Operation{
			bank.Deposit{ID: "1", Account: "ann", Cents: 100}, bank.Transfer{ID: "2", From: "ann", To: "bob", Cents: 30},
			bank.Transfer{ID: "2", From: "ann", To: "bob", Cents: 30}, bank.Transfer{ID: "2", From: "ann", To: "cid", Cents: 30},
			bank.Withdrawal{ID: "3", Account: "ann", Cents: 71}, bank.Withdrawal{ID: "3", Account: "ann", Cents: 70},
			bank.Withdrawal{ID: "4", Account: "bob", Cents: -1}, bank.Transfer{ID: "5", From: "bob", To: "bob", Cents: 1},
			bank.Transfer{ID: "6", From: "bob", To: "ann", Cents: 1},
		} {
			if _, err := m.Operations.Append(t.Context(), kit, op); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			kit.Settle()
		}
		for name, want := range map[string]int64{"ann": 1, "bob": 29} {
			if n, err := m.Balances.Key(name).Get(kit); n != want || err != nil {
				t.Errorf("%s has %d, error %v", name, n, err)
			}
		}
		return nil
	})
}
