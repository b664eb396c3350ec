package bank

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/simulation"
)

// What docs/guides/testing-interleavings.md shows of every moment.
func TestNoMoneyIsMadeAtAnyMoment(t *testing.T) {
	t.Parallel()
	m := &Bank{}
	names := accounts()
	users := simulation.Users{Seeds: 10, Program: func(p *simulation.Program) error {
		_, err := m.Operations.Append(p.Context(), p, Deposit{ID: fmt.Sprint(p.Random.Uint64()), Account: names[0], Cents: 5})
		if err != nil {
			return err
		}
		_, err = m.Operations.Append(p.Context(), p, Transfer{ID: fmt.Sprint(p.Random.Uint64()), From: names[0], To: names[1], Cents: 5})
		return err
	}}
	users.Always = []simulation.Always{func(s *simulation.State) error {
		var sum, paid int64
		for _, name := range names {
			have, err := m.Balances.Key(name).Get(s)
			if err != nil || have < 0 {
				return fmt.Errorf("account %s has %d cents (error %v)", name, have, err)
			}
			cash, err := m.Cash.Key(name).Get(s)
			if err != nil {
				return err
			}
			sum, paid = sum+have, paid+cash
		}
		for credit, err := range simulation.UnderWay(s, m.Credits) {
			if err != nil {
				return err
			}
			sum += credit.Cents
		}
		if sum != paid {
			return fmt.Errorf("there are %d cents, %d were paid in", sum, paid)
		}
		return nil
	}}
	simulation.Check(t, m, users)
}
