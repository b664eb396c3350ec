package integration

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/examples/bankmicrobatch"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// promise 0.18: the example, on every kind of server.
func TestTheBankOfMicrobatches(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		var err error
		m := &bankmicrobatch.Bank{Name: unique("Bank")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
			t.Fatal(err)
		}
		operations := []bankmicrobatch.Operation{
			{ID: "1", To: "ann", Cents: 100},
			{ID: "2", From: "ann", To: "bob", Cents: 70},
			{ID: "3", From: "ann", To: "cem", Cents: 31}, // refused
		}
		for _, o := range operations {
			if _, err := m.Operations.Append(t.Context(), c.Client(), o); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, bankmicrobatch.Topology, int64(len(operations))); err != nil {
			t.Fatal(err)
		}
		var got string
		err = c.Client().Snapshot(t.Context(), m.ModuleName(), bankmicrobatch.Topology, func(r pstate.Reader, _ uint64) error {
			got = ""
			for _, name := range []string{"ann", "bob", "cem"} {
				n, err := m.Balances.Key(name).Get(r)
				if err != nil {
					return err
				}
				got += fmt.Sprint(name, " ", n, " ")
			}
			return nil
		})
		if want := "ann 30 bob 70 cem 0 "; err != nil || got != want {
			t.Errorf("%q (%v), want %q", got, err, want)
		}
	})
}
