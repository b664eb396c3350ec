package browsertest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Shop is what runs in the cluster: orders are taken, reserved on the task of their item, packed
// on that of a shelf, and noted on that of the customer; a second topology adds up what each day brings.
type Shop struct {
	Orders  module.Depot[Order]
	Returns module.Depot[Return]

	Reserved pstate.Map[string, int]                               // pieces, by item
	Packed   pstate.Map[string, string]                            // the shelf, by order
	History  pstate.MapOf[string, pstate.SortedMap[string, Order]] // by customer and order
	Revenue  pstate.Map[string, int64]                             // cents, by item
	Spent    module.Query[string, int]

	reserve module.Step[Order]
	pack    module.Step[Order]
	note    module.Step[Order]

	// release lets the handler go on that was planted to block.
	release chan struct{}
	once    sync.Once
	// oversell lets orders of no pieces through.
	oversell atomic.Bool
}

// Letters is a module beside the shop, that has nothing to do.
type Letters struct {
	Signups module.Depot[string]
	Readers pstate.Set[string]
}

func (m *Letters) Define(b *module.Builder) {
	module.HashDepot(b, &m.Signups, "signups", func(address string) string { return address })
	s := b.Stream("subscribe")
	s.PState(&m.Readers, "readers")
	module.DeclareSource(s, m.Signups, func(ev *module.Event, address string) error {
		m.Readers.Add(ev, address)
		return nil
	})
}

// Order is a record of the shop.
type Order struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Item     string `json:"item"`
	Pieces   int    `json:"pieces"`
	Cents    int64  `json:"cents"`
}

// Return is an order that comes back.
type Return struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

func (m *Shop) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(o Order) string { return o.Customer })
	module.RandomDepot(b, &m.Returns, "returns")
	s := b.Stream("fulfil")
	s.PState(&m.Reserved, "reserved")
	s.PState(&m.Packed, "packed", pstate.PartitionBy(shelf))
	s.PState(&m.History, "history")
	module.DeclareStep(s, &m.reserve, "reserve", module.At(&m.Reserved, func(o Order) string { return o.Item }), m.onReserve)
	module.DeclareStep(s, &m.pack, "pack", module.At(&m.Packed, func(o Order) string { return o.ID }), m.onPack)
	module.DeclareStep(s, &m.note, "note", module.At(&m.History, func(o Order) string { return o.Customer }), m.onNote)
	module.DeclareSource(s, m.Orders, m.onOrder, module.MaxAttempts(2), module.StartFromBeginning())
	r := b.Stream("refunds")
	module.DeclareSource(r, m.Returns, func(*module.Event, Return) error { return nil }, module.StartFromBeginning())
	day := b.Microbatch("revenue")
	day.PState(&m.Revenue, "revenue")
	module.DeclareSource(day, m.Orders, func(ev *module.Event, o Order) error {
		agg.Add(ev, m.Revenue.Key(o.Item), o.Cents)
		return nil
	}, module.StartFromBeginning())
	module.DeclareQuery(b, &m.Spent, "reservedOf", func(q *module.Asked, item string) (int, error) { return m.Reserved.Key(item).Get(q) })
}

func (m *Shop) onOrder(ev *module.Event, o Order) error {
	if o.Pieces <= 0 && !m.oversell.Load() {
		return fmt.Errorf("order %s of %s: %d pieces of %s cannot be reserved", o.ID, o.Customer, o.Pieces, o.Item)
	}
	m.reserve.Send(ev, o)
	return nil
}

func (m *Shop) onReserve(ev *module.Event, o Order) error {
	m.Reserved.Key(o.Item).Update(ev, func(n int) int { return n + o.Pieces })
	m.pack.Send(ev, o)
	return nil
}

func (m *Shop) onPack(ev *module.Event, o Order) error {
	if o.Item == "piano" {
		<-m.release // planted: a handler that does not return
	}
	m.Packed.Key(o.ID).Set(ev, fmt.Sprintf("shelf %c", o.ID[len(o.ID)-1]))
	m.note.Send(ev, o)
	return nil
}

func (m *Shop) onNote(ev *module.Event, o Order) error {
	m.History.Key(o.Customer).Key(o.ID).Set(ev, o)
	return nil
}

// shelf is the task that packs an order: that of the last digit of its id.
func shelf(id string, tasks int) int { return int(id[len(id)-1]-'0') % tasks }

// letGo ends what blocks.
func (m *Shop) letGo() { m.once.Do(func() { close(m.release) }) }

var (
	customers = []string{"ada", "ben", "chloe", "dev", "elif", "femi", "gus", "hana", "ivo", "june"}
	items     = []string{"kettle", "lamp", "rug", "vase", "clock", "bowl"}
)

// order is the n-th order.
func order(n int) Order {
	return Order{ID: fmt.Sprintf("o-%05d", n), Customer: customers[n%len(customers)], Item: items[n%len(items)], Pieces: 1 + n%3, Cents: int64(900 + 137*(n%11))}
}

// traffic appends an order every so often until ctx ends, and a few that come back. It does
// not wait for them to be done: a task that is held up is to have something to do.
func traffic(ctx context.Context, m *Shop, appender module.Appender) {
	const pause = 8 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, _ = m.Orders.Append(ctx, appender, order(n), module.Wait(module.AckAppend)) // what the console shows is looked at, not this
		if n%25 == 0 {
			_, _ = m.Returns.Append(ctx, appender, Return{ID: order(n).ID, Reason: "too small"}, module.Wait(module.AckAppend))
		}
	}
}
