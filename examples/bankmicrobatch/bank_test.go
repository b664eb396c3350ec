package bankmicrobatch

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// promise 0.18: whatever fails, the total is what was paid in, at every snapshot.
func TestMoneyIsNeverUnderWay(t *testing.T) {
	t.Parallel()
	simulation.CheckWorkload(t, Workload(), 40)
}

func TestTheBank(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	m := &Bank{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
		t.Fatal(err)
	}
	operations := []Operation{
		{ID: "1", To: "ann", Cents: 100},
		{ID: "2", From: "ann", To: "bob", Cents: 70},
		{ID: "3", From: "ann", To: "cem", Cents: 31}, // refused
	}
	for _, o := range operations {
		if _, err := m.Operations.Append(t.Context(), c.Client(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, Topology, int64(len(operations))); err != nil {
		t.Fatal(err)
	}
	var got string
	err = c.Client().Snapshot(t.Context(), m.ModuleName(), Topology, func(r pstate.Reader, _ uint64) error {
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
}
