// Package bankmicrobatch keeps accounts in a microbatch topology: deposits, and transfers
// between accounts that lie on different tasks.
//
// A transfer takes money off one account and sends a credit to the other one's task, as in
// package bank. But here both happen in one microbatch, or neither does: whoever reads a
// snapshot sees no money under way. At every snapshot
//
//   - no balance is negative;
//   - all balances add up to what was paid in;
//   - each transfer is in the histories of both accounts, or of none.
//
// The price is an answer: appenders do not hear whether a transfer was refused. It is not in
// the history then.
package bankmicrobatch

import (
	"cmp"
	"errors"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Bank is the example.
type Bank struct {
	Name string // of the module; default BankMicrobatch
	// Statements is a Kafka topic to which every operation that was carried out is written,
	// once for readers with read_committed; "": none.
	Statements string

	// Operations has those of one account in the order in which they were appended.
	Operations module.Depot[Operation]
	// Balances in cents, by account.
	Balances pstate.Map[string, int64]
	// Paid is what was paid in, by account.
	Paid pstate.Map[string, int64]
	// History is by what an operation changed an account's balance, by account and id.
	History pstate.MapOf[string, pstate.Map[string, int64]]

	credit  module.Step[Operation]
	settled module.Topic[Operation]
}

// Operation is a deposit to To where From is empty, else a transfer.
type Operation struct {
	ID       string
	From, To string
	Cents    int64
}

// account is the one whose balance decides.
func (o Operation) account() string { return cmp.Or(o.From, o.To) }

// ErrNoTransfer: nothing is to be moved, or from an account to itself.
var ErrNoTransfer = errors.New("an operation moves more than nothing, to another account")

// ErrTooLittle: the account has less than is to be taken off.
var ErrTooLittle = errors.New("the account has too little")

// ModuleName names the module.
func (m *Bank) ModuleName() string { return cmp.Or(m.Name, "BankMicrobatch") }

// Topology is the name of its only topology.
const Topology = "bank"

// Define declares it.
func (m *Bank) Define(b *module.Builder) {
	module.HashDepot(b, &m.Operations, "operations", Operation.account)
	if m.Statements != "" {
		module.DeclareKeyedTopic(b, &m.settled, m.Statements, func(o Operation) string { return o.To })
	}
	mb := b.Microbatch(Topology)
	mb.PState(&m.Balances, "balances")
	mb.PState(&m.Paid, "paid")
	mb.PState(&m.History, "history")
	module.DeclareStep(mb, &m.credit, "credit", module.At(&m.Balances, func(o Operation) string { return o.To }), m.onCredit)
	module.DeclareSource(mb, m.Operations, m.onOperation, module.StartFromBeginning())
}

// onOperation carries an operation out on the account that decides. What is refused changes
// nothing.
func (m *Bank) onOperation(ev *module.Event, o Operation) error {
	if o.Cents <= 0 || o.From == o.To {
		return module.Reject(ErrNoTransfer)
	}
	if o.From == "" {
		agg.Add(ev, m.Paid.Key(o.To), o.Cents)
		return m.onCredit(ev, o)
	}
	have, err := m.Balances.Key(o.From).Get(ev)
	if err != nil {
		return err
	}
	if have < o.Cents {
		return module.Reject(ErrTooLittle)
	}
	m.Balances.Key(o.From).Set(ev, have-o.Cents)
	m.History.Key(o.From).Key(o.ID).Set(ev, -o.Cents)
	m.credit.Send(ev, o)
	return nil
}

// onCredit brings the money to its account.
func (m *Bank) onCredit(ev *module.Event, o Operation) error {
	agg.Add(ev, m.Balances.Key(o.To), o.Cents)
	m.History.Key(o.To).Key(o.ID).Set(ev, o.Cents)
	if m.Statements != "" {
		m.settled.Emit(ev, o)
	}
	return nil
}
