package bank

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/simulation"
)

// Workload is the bank in the simulator (cmd/simulate): programs that operate on a few
// accounts, and append again what they have appended, while everything fails that can.
// What the package promises of every moment is held against every moment.
func Workload() simulation.Workload {
	return simulation.Workload{Name: "bank", Hops: true, Exact: true, New: func() simulation.Case { return &trial{} }}
}

// trial is one run.
type trial struct {
	m      Bank
	asked  []*asked
	turned int // operations that ended otherwise than their appender was told
}

// asked is an operation and what its appends were answered.
type asked struct {
	op            Operation
	done, refused int
	left          []int64 // that the done ones returned, as far as their answers came with it
}

const (
	trialAccounts   = 6
	trialPrograms   = 5
	trialOperations = 10
)

// accounts are few, so that programs get in each other's way.
func accounts() (names []string) {
	for i := range trialAccounts {
		names = append(names, fmt.Sprintf("a%d", i))
	}
	return names
}

// Module is the bank.
func (c *trial) Module() module.Module { return &c.m }

// Append is not called: the programs append.
func (c *trial) Append(module.Appender, *rand.Rand, int) error { return nil }

// Acked is of no use: the programs look at their answers.
func (c *trial) Acked(int, module.Acks) error { return nil }

// Programs operate on the accounts at random.
func (c *trial) Programs() (int, func(*simulation.Program) error) {
	return trialPrograms, func(p *simulation.Program) error {
		var mine []*asked
		for n := range trialOperations {
			var a *asked
			if len(mine) > 0 && p.Random.IntN(4) == 0 {
				a = mine[p.Random.IntN(len(mine))] // once more, as if its answer had not come
			} else {
				a = &asked{op: drawn(p.Random, fmt.Sprintf("p%d-%d", p.Number, n))}
				mine, c.asked = append(mine, a), append(c.asked, a)
			}
			if err := c.operate(p, a); err != nil {
				return err
			}
			name := accounts()[p.Random.IntN(trialAccounts)]
			if have, err := c.m.Balances.Key(name).Get(p); err != nil || have < 0 {
				return fmt.Errorf("account %s is read with %d cents (error %v)", name, have, err)
			}
			p.Pause(time.Duration(p.Random.IntN(100)) * time.Millisecond)
		}
		return nil
	}
}

// drawn is an operation that may find too little on its account.
func drawn(r *rand.Rand, id string) Operation {
	names := accounts()
	i, cents := r.IntN(len(names)), 1+r.Int64N(80)
	switch r.IntN(6) {
	case 0, 1:
		return Deposit{ID: id, Account: names[i], Cents: cents}
	case 2:
		return Withdrawal{ID: id, Account: names[i], Cents: cents}
	}
	return Transfer{ID: id, From: names[i], To: names[(i+1+r.IntN(len(names)-1))%len(names)], Cents: cents}
}

// operate appends an operation, some twice in a row.
func (c *trial) operate(p *simulation.Program, a *asked) error {
	if p.Random.IntN(5) == 0 {
		if _, err := c.m.Operations.Append(p.Context(), p, a.op, module.Wait(module.AckAppend)); err != nil {
			return err
		}
	}
	acks, err := c.m.Operations.Append(p.Context(), p, a.op)
	switch {
	case errors.Is(err, client.ErrRejected):
		a.refused++
		return nil
	case err != nil:
		return err
	}
	a.done++
	if left, ok := c.m.Left.From(acks); ok {
		a.left = append(a.left, left)
	}
	return nil
}
