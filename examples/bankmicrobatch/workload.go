package bankmicrobatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// Workload is the bank in the simulator (cmd/simulate): what the package promises of every
// snapshot is held against the snapshot of every moment.
func Workload() simulation.Workload {
	return simulation.Workload{Name: "bank-microbatch", Hops: true, New: func() simulation.Case { return &trial{} }}
}

// trial is one run.
type trial struct {
	m     Bank
	asked []Operation
	last  uint64 // microbatch that was looked at last
}

const trialAccounts = 6

func accountName(i int) string { return fmt.Sprintf("a%d", i) }

// Module is the bank.
func (c *trial) Module() module.Module { return &c.m }

// Append operates on few accounts, so that transfers get in each other's way.
func (c *trial) Append(a module.Appender, r *rand.Rand, number int) error {
	o := Operation{ID: fmt.Sprint(number), To: accountName(r.IntN(trialAccounts)), Cents: 1 + r.Int64N(80)}
	if r.IntN(3) > 0 {
		if o.From = accountName(r.IntN(trialAccounts)); o.From == o.To {
			o.From = ""
		}
	}
	c.asked = append(c.asked, o)
	_, err := c.m.Operations.Append(context.Background(), a, o)
	return err
}

// Acked says nothing: nobody waits for a microbatch.
func (c *trial) Acked(int, module.Acks) error { return nil }

// Watch looks at the snapshot of a moment.
func (c *trial) Watch(s *simulation.State) error {
	r, id, err := s.Snapshot(Topology)
	if err != nil || id == c.last {
		return err
	}
	c.last = id
	_, err = c.audit(r)
	return err
}

// Check sees that all operations are carried out, but for transfers that were refused.
func (c *trial) Check(r pstate.Reader, _ func(int) bool) error {
	there, err := c.audit(r)
	if err != nil {
		return err
	}
	for i, o := range c.asked {
		if o.From == "" && !there[i] {
			err = errors.Join(err, fmt.Errorf("deposit %s is not carried out", o.ID))
		}
	}
	return err
}

// audit holds the books against each other, and says which operations are in them.
func (c *trial) audit(r pstate.Reader) (there map[int]bool, err error) {
	there = map[int]bool{}
	fail := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	get := func(v pstate.Value[int64]) int64 {
		n, wrong := v.Get(r)
		err = errors.Join(err, wrong)
		return n
	}
	sums := map[string]int64{}
	for i, o := range c.asked {
		in := get(c.m.History.Key(o.To).Key(o.ID))
		if o.From != "" {
			if out := get(c.m.History.Key(o.From).Key(o.ID)); out != -in {
				fail("transfer %s changed its sender's balance by %d and its receiver's by %d", o.ID, out, in)
			}
			sums[o.From] -= in
		}
		if in != 0 && in != o.Cents {
			fail("operation %s of %d changed a balance by %d", o.ID, o.Cents, in)
		}
		sums[o.To] += in
		there[i] = in != 0
	}
	var total, paid int64
	for i := range trialAccounts {
		name := accountName(i)
		have := get(c.m.Balances.Key(name))
		if have < 0 || have != sums[name] {
			fail("account %s has %d, its history adds up to %d", name, have, sums[name])
		}
		total, paid = total+have, paid+get(c.m.Paid.Key(name))
	}
	if total != paid {
		fail("accounts hold %d, %d were paid in", total, paid)
	}
	return there, err
}
