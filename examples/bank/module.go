// Package bank keeps accounts in an exactly-once stream: deposits, withdrawals, and
// transfers between accounts that lie on different tasks.
//
// A transfer takes the money off the sender's account, on the sender's task, and sends
// it as a credit to the receiver's:
//
//	[sender] take, note the request ─► [receiver] credit
//
// There is no transaction over both, and none is needed: the commit that takes the money
// holds the credit, too, which is applied once, whatever fails. So at every moment
//
//   - no balance is negative;
//   - all balances and the credits under way add up to the cash that was paid in, less
//     what was paid out;
//   - each balance is the sum of its account's history.
//
// What is not promised is isolation: for some milliseconds the money has left one account
// and not reached the other, and readers see that.
//
// An appender that does not know how its operation ended appends it again, with the same
// id: it is carried out once and answered twice. An account remembers its latest 1,000
// requests (Remember); an older one that comes again is carried out again.
package bank

import (
	"cmp"
	"math"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Bank is the example.
type Bank struct {
	Name string // of the module; default Bank
	// Remember is how many requests an account remembers, from which repeats are told.
	// Default 1,000.
	Remember int64

	// Operations has those of one account in the order in which they were appended.
	Operations module.Depot[Operation]
	// Balances in cents, by account.
	Balances pstate.Map[string, int64]
	// Cash is what an account's owner has paid in, less what was paid out.
	Cash pstate.Map[string, int64]
	// History has what changed an account's balance, in order of time.
	History pstate.MapOf[string, pstate.SortedMap[Moment, Line]]
	// Receipts are the latest requests of an account, by id.
	Receipts pstate.MapOf[string, pstate.Map[string, Receipt]]
	// requests are the ids of the receipts, by number.
	requests pstate.MapOf[string, pstate.SortedMap[int64, string]]
	// Left is the balance after the operation; of a repeated one that which it was then.
	Left module.Ack[int64]
	// Credits are transfers on their way to the receiver.
	Credits module.Step[Credit]
}

// Receipt is a request that was carried out.
type Receipt struct {
	Number int64 // counts those of the account
	Line   Line
	Left   int64
}

// Credit is money on its way.
type Credit struct {
	From, To, ID string
	Cents        int64
}

// ModuleName names the module.
func (m *Bank) ModuleName() string { return cmp.Or(m.Name, "Bank") }

// Define declares it.
func (m *Bank) Define(b *module.Builder) {
	module.HashDepot(b, &m.Operations, "operations", account, module.Union(
		module.Variant[Deposit, Operation]("deposit"),
		module.Variant[Withdrawal, Operation]("withdrawal"),
		module.Variant[Transfer, Operation]("transfer")))
	s := b.Stream("bank", module.ExactlyOnce())
	s.PState(&m.Balances, "balances")
	s.PState(&m.Cash, "cash")
	s.PState(&m.History, "history")
	s.PState(&m.Receipts, "receipts")
	s.PState(&m.requests, "requests")
	module.DeclareAck(s, &m.Left, agg.Last[int64]())
	module.DeclareStep(s, &m.Credits, "credit", module.At(&m.Balances, func(c Credit) string { return c.To }), m.onCredit)
	module.DeclareSource(s, m.Operations, m.onOperation, module.StartFromBeginning())
}

// onOperation carries an operation out on its account, and refuses it there: what is
// refused changes nothing, and is not remembered.
func (m *Bank) onOperation(ev *module.Event, op Operation) error {
	r := op.request()
	if err := r.check(); err != nil {
		return module.Reject(err)
	}
	before, repeated, err := m.Receipts.Key(r.account).Key(r.line.ID).Lookup(ev)
	switch {
	case err != nil:
		return err
	case repeated && before.Line != r.line:
		return module.Reject(ErrReused)
	case repeated:
		m.Left.Return(ev, before.Left)
		return nil
	}
	balance := m.Balances.Key(r.account)
	have, err := balance.Get(ev)
	if err != nil {
		return err
	}
	left, err := r.line.after(have)
	if err != nil {
		return module.Reject(err)
	}
	balance.Set(ev, left)
	if r.line.Peer == "" {
		agg.Add(ev, m.Cash.Key(r.account), r.line.Cents)
	} else {
		m.Credits.Send(ev, Credit{From: r.account, To: r.line.Peer, ID: r.line.ID, Cents: -r.line.Cents})
	}
	m.History.Key(r.account).Key(moment(ev.Now(), r.account, r.line.ID)).Set(ev, r.line)
	m.Left.Return(ev, left)
	return m.remember(ev, &r, left)
}

// onCredit ends a transfer. ev.Now is the time of the operation here, too.
func (m *Bank) onCredit(ev *module.Event, c Credit) error {
	balance := m.Balances.Key(c.To)
	have, err := balance.Get(ev)
	if err != nil {
		return err
	}
	line := Line{Cents: c.Cents, Peer: c.From, ID: c.ID}
	left, err := line.after(have)
	if err != nil {
		return module.Park(err) // the credit is kept with the reason: no money is lost
	}
	balance.Set(ev, left)
	m.History.Key(c.To).Key(moment(ev.Now(), c.From, c.ID)).Set(ev, line)
	return nil
}

// remember notes a request, and forgets the one that is too old.
func (m *Bank) remember(ev *module.Event, r *request, left int64) error {
	number, requests := int64(1), m.requests.Key(r.account)
	for last, err := range requests.Range(ev, pstate.All[int64]().Reverse().Limit(1)) {
		if err != nil {
			return err
		}
		number = last.Key + 1
	}
	requests.Key(number).Set(ev, r.line.ID)
	m.Receipts.Key(r.account).Key(r.line.ID).Set(ev, Receipt{number, r.line, left})
	oldest := requests.Key(number - cmp.Or(m.Remember, 1000))
	id, there, err := oldest.Lookup(ev)
	if err != nil || !there {
		return err
	}
	oldest.Delete(ev)
	m.Receipts.Key(r.account).Key(id).Delete(ev)
	return nil
}

// after is a balance after a line.
func (l Line) after(have int64) (left int64, err error) {
	switch {
	case l.Cents > math.MaxInt64-have:
		return have, ErrTooMuch
	case have+l.Cents < 0:
		return have, ErrInsufficient
	}
	return have + l.Cents, nil
}
