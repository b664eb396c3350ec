package bank

import (
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// Watch is what holds at every moment: no balance is negative, and the money is there.
func (c *trial) Watch(s *simulation.State) error {
	var booked, cash int64
	for _, name := range accounts() {
		have, err := c.m.Balances.Key(name).Get(s)
		if err != nil || have < 0 {
			return fmt.Errorf("account %s has %d cents (error %v)", name, have, err)
		}
		paid, err := c.m.Cash.Key(name).Get(s)
		if err != nil {
			return err
		}
		booked, cash = booked+have, cash+paid
	}
	var underWay int64
	for credit, err := range simulation.UnderWay(s, c.m.Credits) {
		if err != nil {
			return err
		}
		underWay += credit.Cents
	}
	if booked+underWay != cash {
		return fmt.Errorf("accounts hold %d cents and %d are under way, %d were paid in", booked, underWay, cash)
	}
	return nil
}

// entry is one side of an operation: a line at an account.
type entry struct{ at, account, id string }

// Check is what holds at rest: each operation is in the books once, on both sides, or
// not at all, as its appender was told, and the books agree with each other.
func (c *trial) Check(r pstate.Reader, _ func(int) bool) error {
	s := r.(*simulation.State)
	entries, err := c.m.entries(s)
	wrong := []error{err, c.Watch(s)}
	for credit, err := range simulation.UnderWay(s, c.m.Credits) {
		wrong = append(wrong, fmt.Errorf("credit %v is still under way (error %v)", credit, err))
	}
	for _, a := range c.asked {
		turned, err := a.check(entries)
		if turned && !s.Forgot() {
			err = errors.Join(err, fmt.Errorf("%T %v ended otherwise than its appender was told: %d appends of it were done and %d refused", a.op, a.op, a.done, a.refused))
		}
		if turned {
			c.turned++
		}
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// entries reads all histories, and compares each with its balance.
func (m *Bank) entries(r pstate.Reader) (map[entry]int, error) {
	entries := map[entry]int{}
	var wrong []error
	for _, name := range accounts() {
		var sum, paid int64
		for e, err := range m.History.Key(name).Range(r, pstate.All[Moment]()) {
			if err != nil {
				return nil, err
			}
			at := entry{name, name, e.Val.ID}
			if e.Val.Cents > 0 && e.Val.Peer != "" {
				at.account = e.Val.Peer
			}
			entries[at]++
			sum += e.Val.Cents
			if e.Val.Peer == "" {
				paid += e.Val.Cents
			}
		}
		have, err := m.Balances.Key(name).Get(r)
		if err != nil || have != sum {
			wrong = append(wrong, fmt.Errorf("account %s has %d cents (error %v), its history adds up to %d", name, have, err, sum))
		}
		cash, err := m.Cash.Key(name).Get(r)
		if err != nil || cash != paid {
			wrong = append(wrong, fmt.Errorf("account %s has paid in %d cents (error %v), by its history %d", name, cash, err, paid))
		}
	}
	return entries, errors.Join(wrong...)
}

// check looks for an operation in the books, where it is once or not at all, on both
// sides; a deposit is never refused. turned says that its appender was told something
// else. That may be where a server has forgotten what it had confirmed: then the operation
// has run again, after others than before, and was refused then or no more.
func (a *asked) check(entries map[entry]int) (turned bool, err error) {
	r := a.op.request()
	n := entries[entry{r.account, r.account, r.line.ID}]
	if r.peer {
		if there := entries[entry{r.line.Peer, r.account, r.line.ID}]; there != n {
			return false, fmt.Errorf("%T %v is %d times in the books of the sender and %d times in those of the receiver", a.op, a.op, n, there)
		}
	}
	if n > 1 || n == 0 && r.line.Cents > 0 {
		return false, fmt.Errorf("%T %v is %d times in the books", a.op, a.op, n)
	}
	different := len(slices.Compact(slices.Clone(a.left))) > 1
	return different || n == 0 && a.done > 0 || n == 1 && a.done == 0, nil
}
