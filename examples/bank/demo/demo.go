// Package demo shows the bank: a transfer that is asked for twice, one that is refused,
// and what is in the books then.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// Play has ann and bob do their business, and prints ann's history.
func Play(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &bank.Bank{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for _, step := range []struct {
		says string
		op   bank.Operation
	}{
		{"ann pays in 100.00", bank.Deposit{ID: "d1", Account: "ann", Cents: 100_00}},
		{"ann sends 30.00 to bob", bank.Transfer{ID: "t1", From: "ann", To: "bob", Cents: 30_00}},
		{"ann sends 30.00 to bob, the same again", bank.Transfer{ID: "t1", From: "ann", To: "bob", Cents: 30_00}},
		{"bob sends 50.00 to ann", bank.Transfer{ID: "t1", From: "bob", To: "ann", Cents: 50_00}},
		{"bob takes out 5.00", bank.Withdrawal{ID: "w1", Account: "bob", Cents: 5_00}},
	} {
		acks, err := m.Operations.Append(ctx, c.Client(), step.op)
		var refused *client.RejectedError
		switch {
		case errors.As(err, &refused):
			fmt.Fprintf(out, "%s: refused, %s\n", step.says, refused.Text)
		case err != nil:
			return err
		default:
			left, _ := m.Left.From(acks)
			fmt.Fprintf(out, "%s: %s left\n", step.says, amount(left))
		}
	}
	for _, name := range []string{"ann", "bob"} {
		have, err := m.Balances.Key(name).Get(c.Client().At(ctx))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has %s\n", name, amount(have))
	}
	for e, err := range m.History.Key("ann").Range(c.Client().At(ctx), pstate.All[bank.Moment]()) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "ann's history:", e.Val.ID, amount(e.Val.Cents), cmp.Or(e.Val.Peer, "cash"))
	}
	return nil
}

func amount(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}
