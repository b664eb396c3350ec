package bank

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Bank.
type Flow struct{ Bank }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
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
	flow.Source(s, m.Operations, m.operation, module.StartFromBeginning())
}

func (m *Flow) operation(b *flow.Block, op flow.Var[Operation]) {
	r := flow.Try1(b, checked, op)
	account, line := flow.Expand2(b, func(r request) (string, Line) { return r.account, r.line }, r)
	id := flow.Each(b, flow.F1(func(l Line) string { return l.ID }, line)).Label("id")
	before, repeated := flow.Lookup(b, flow.Under(flow.Key(&m.Receipts, account), id))
	flow.IfTrue(b, repeated, func(b *flow.Block) {
		left := flow.Try2(b, func(_ *module.Event, before Receipt, line Line) (int64, error) {
			if before.Line != line {
				return 0, module.Reject(ErrReused)
			}
			return before.Left, nil
		}, before, line)
		flow.AckReturn(b, m.Left, left)
		flow.Stop(b)
	})
	have := flow.Get(b, flow.Key(&m.Balances, account))
	left := flow.Try2(b, func(_ *module.Event, line Line, have int64) (int64, error) {
		left, err := line.after(have)
		if err != nil {
			return 0, module.Reject(err)
		}
		return left, nil
	}, line, have)
	flow.Set(b, flow.Key(&m.Balances, account), left)

	cents := flow.Each(b, flow.F1(func(l Line) int64 { return l.Cents }, line))
	peer := flow.Each(b, flow.F1(func(l Line) string { return l.Peer }, line)).Label("to")
	flow.Branch(b, func(b *flow.Block) {
		cash := flow.Equal(peer, flow.Const(""))
		flow.IfElse(b, cash, func(b *flow.Block) {
			flow.Agg(b, flow.Key(&m.Cash, account), flow.Sum(cents))
		}, func(b *flow.Block) {
			m.credit(b, account.Label("from"), peer, id, flow.Each(b, flow.F1(func(c int64) int64 { return -c }, cents)))
		})
	})
	m.noted(b, account, account, id, line)
	flow.AckReturn(b, m.Left, left)
	flow.Do2(b, func(ev *module.Event, r request, left int64) error { return m.remember(ev, &r, left) }, r, left)
}

// credit ends a transfer at the receiver's task.
func (m *Flow) credit(b *flow.Block, from, to, id flow.Var[string], cents flow.Var[int64]) {
	flow.HopAt(b, &m.Balances, to, flow.Named("credit"))
	line := flow.Each(b, flow.F3(func(cents int64, from, id string) Line { return Line{Cents: cents, Peer: from, ID: id} }, cents, from, id))
	have := flow.Get(b, flow.Key(&m.Balances, to))
	left := flow.Try2(b, func(_ *module.Event, line Line, have int64) (int64, error) {
		left, err := line.after(have)
		if err != nil {
			return 0, module.Park(err) // the credit is kept with the reason: no money is lost
		}
		return left, nil
	}, line, have)
	flow.Set(b, flow.Key(&m.Balances, to), left)
	m.noted(b, to, from, id, line)
}

// noted writes a line into the history of an account.
func (m *Flow) noted(b *flow.Block, account, by, id flow.Var[string], line flow.Var[Line]) {
	now := flow.F0((*module.Event).Now)
	when := flow.F3(moment, now, by, id)
	flow.Set(b, flow.Under(flow.Key(&m.History, account), when), line)
}

// checked is what an operation asks for, if that can be.
func checked(_ *module.Event, op Operation) (request, error) {
	r := op.request()
	if err := r.check(); err != nil {
		return r, module.Reject(err)
	}
	return r, nil
}
