package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// IDs is the workload of appends that come again under their id, as programs make them
// that do not know the outcome of the first: each takes effect once, in a stream and in a
// microbatch topology, and every one of its appenders hears what the first one returned.
func IDs() Workload {
	return Workload{Name: "ids", Hops: true, Exact: true, New: func() Case { return &idsCase{first: map[string]int{}} }}
}

// idsWindow is more than the records of a run.
const idsWindow = 1000

type paying struct {
	Payments module.Depot[payment]
	Paid     pstate.Map[string, int]
	Booked   pstate.Map[string, int]
	Sum      module.Ack[int]
}

type payment struct {
	Payer  string
	Amount int
}

func (m *paying) Define(b *module.Builder) {
	module.HashDepot(b, &m.Payments, "payments", func(p payment) string { return p.Payer }, module.AppendIDs(idsWindow))
	s := b.Stream("pay")
	s.PState(&m.Paid, "paid")
	module.DeclareAck(s, &m.Sum, agg.Sum[int]())
	module.DeclareSource(s, m.Payments, func(ev *module.Event, p payment) error {
		m.Paid.Key(p.Payer).Update(ev, func(n int) int { return n + p.Amount })
		m.Sum.Return(ev, p.Amount)
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(0))
	mb := b.Microbatch("book")
	mb.PState(&m.Booked, "booked")
	module.DeclareSource(mb, m.Payments, func(ev *module.Event, p payment) error {
		m.Booked.Key(p.Payer).Update(ev, func(n int) int { return n + p.Amount })
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(0))
}

type idsCase struct {
	m        paying
	payments []payment
	first    map[string]int // by id: the first append
}

func (c *idsCase) Module() module.Module { return &c.m }

func (c *idsCase) Append(a module.Appender, r *rand.Rand, number int) error {
	p := payment{Payer: fmt.Sprint("p", r.IntN(5)), Amount: 1 + number}
	id := fmt.Sprint("payment ", number)
	if number > 0 && r.IntN(3) == 0 {
		again := r.IntN(number)
		p = c.payments[again]
		id = fmt.Sprint("payment ", p.Amount-1)
	}
	if _, ok := c.first[id]; !ok {
		c.first[id] = number
	}
	c.payments = append(c.payments, p)
	_, err := c.m.Payments.Append(context.Background(), a, p, module.AppendID(id))
	return err
}

func (c *idsCase) Acked(number int, acks module.Acks) error {
	if n, ok := c.m.Sum.From(acks); ok && n != c.payments[number].Amount {
		return fmt.Errorf("returned %d, want %d", n, c.payments[number].Amount)
	}
	return nil
}

func (c *idsCase) Check(r pstate.Reader, _ func(int) bool) error {
	want := map[string]int{}
	for _, n := range c.first {
		want[c.payments[n].Payer] += c.payments[n].Amount
	}
	var wrong []error
	for _, payer := range sortedKeys(want) {
		for what, v := range []pstate.Value[int]{c.m.Paid.Key(payer), c.m.Booked.Key(payer)} {
			if n, err := v.Get(r); err != nil || n != want[payer] {
				wrong = append(wrong, fmt.Errorf("%s has paid %d by topology %d (error %v), want %d", payer, n, what, err, want[payer]))
			}
		}
	}
	return errors.Join(wrong...)
}
