package clustertest_test

import (
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Bank is the module of the tests: it moves money between accounts, which lie on any
// tasks. A transfer is booked at the account that pays, on its task, and then at the
// other one, on that one's.
type Bank struct {
	careless bool // books a transfer each time that it runs
	options  []module.StreamOption

	Transfers module.Depot[Transfer]
	Balances  pstate.Map[string, int]
	// Booked are the transfers that an account has booked: what makes a second run of a
	// transfer change nothing.
	Booked pstate.MapOf[string, pstate.SortedSet[int]]

	deposit module.Step[Transfer]
}

// Transfer moves an amount from one account to another.
type Transfer struct {
	ID       int
	From, To string
	Amount   int
}

func (m *Bank) Define(b *module.Builder) {
	module.HashDepot(b, &m.Transfers, "transfers", func(t Transfer) string { return t.From })
	s := b.Stream("bank", m.options...)
	s.PState(&m.Balances, "balances")
	s.PState(&m.Booked, "booked")
	module.DeclareStep(s, &m.deposit, "deposit", module.At(&m.Balances, func(t Transfer) string { return t.To }), m.onDeposit)
	module.DeclareSource(s, m.Transfers, m.onTransfer)
}

func (m *Bank) onTransfer(ev *module.Event, t Transfer) error {
	if t.Amount <= 0 {
		return module.Reject(fmt.Errorf("the amount of transfer %d is %d", t.ID, t.Amount))
	}
	m.book(ev, t.From, t.ID, -t.Amount)
	m.deposit.Send(ev, t) // also when it is booked already: the deposit may have been lost
	return nil
}

func (m *Bank) onDeposit(ev *module.Event, t Transfer) error {
	m.book(ev, t.To, t.ID, t.Amount)
	return nil
}

// book changes a balance, once for each transfer.
func (m *Bank) book(ev *module.Event, account string, id, amount int) {
	if m.careless || m.Booked.Key(account).Add(ev, id) {
		m.Balances.Key(account).Update(ev, func(n int) int { return n + amount })
	}
}

// counter counts words where they are, and returns the count.
type counter struct {
	Words  module.Depot[string]
	Counts pstate.Map[string, int]
	Count  module.Ack[int]
}

func (m *counter) Define(b *module.Builder) {
	module.HashDepot(b, &m.Words, "words", func(v string) string { return v })
	s := b.Stream("counter")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Count, agg.Last[int]())
	module.DeclareSource(s, m.Words, func(ev *module.Event, v string) error {
		m.Count.Return(ev, m.Counts.Key(v).Update(ev, func(n int) int { return n + 1 }))
		return nil
	})
}
