package mirrors

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Delivery is a record of the module that orders.
type Delivery struct {
	Product string
	Amount  int
}

// Orders orders what a shop is about to run out of.
type Orders struct {
	Name string // of the module; default Orders
	Of   string // the shop's module; default Shop

	Sales module.Depot[Sale]        // of the shop
	Least pstate.Map[string, int]   // of the shop
	Left  module.Query[string, int] // of the shop

	Deliveries module.Depot[Delivery]
	Needs      pstate.Map[string, Need]  // by product
	Coming     module.Query[string, int] // how much of a product the shop will have

	look  module.Call[Sale]
	order module.Step[Found]
}

// Need is how much of a product was sold and ordered.
type Need struct{ Sold, Ordered int }

// Found is what a lookup finds for a sale.
type Found struct {
	Sale  Sale
	Least int
}

// ModuleName names the module.
func (m *Orders) ModuleName() string { return cmp.Or(m.Name, "Orders") }

// Define declares it.
func (m *Orders) Define(b *module.Builder) {
	shop := cmp.Or(m.Of, "Shop")
	module.MirrorDepot(b, &m.Sales, shop, "sales")
	b.MirrorPState(&m.Least, shop, "least")
	module.MirrorQuery(b, &m.Left, shop, "left")

	module.HashDepot(b, &m.Deliveries, "deliveries", func(d Delivery) string { return d.Product })
	s := b.Stream("orders", module.ExactlyOnce())
	s.PState(&m.Needs, "needs")
	module.DeclareLookup(s, &m.look, "look", m.find, &m.order)
	module.DeclareStep(s, &m.order, "order", module.At(&m.Needs, func(f Found) string { return f.Sale.Product }), m.onFound)
	module.DeclareSource(s, m.Sales, func(ev *module.Event, sale Sale) error {
		m.look.Start(ev, sale)
		return nil
	}, module.StartFromBeginning())
	module.DeclareQuery(b, &m.Coming, "coming", m.coming)
}

// find reads what the shop has committed, beside the task.
func (m *Orders) find(q *module.Asked, sale Sale) (Found, error) {
	least, err := m.Least.Key(sale.Product).Get(q) // on whatever task of the shop has the key
	return Found{sale, least}, err
}

// onFound orders what was sold, and at first what the shop wants to have.
func (m *Orders) onFound(ev *module.Event, f Found) error {
	need, err := m.Needs.Key(f.Sale.Product).Get(ev)
	if err != nil {
		return err
	}
	need.Sold += f.Sale.Amount
	missing := max(f.Least+need.Sold-need.Ordered, 0)
	need.Ordered += missing
	m.Needs.Key(f.Sale.Product).Set(ev, need)
	if missing > 0 {
		m.Deliveries.Emit(ev, Delivery{f.Sale.Product, missing})
	}
	return nil
}

// coming asks the shop what it has, and adds what is ordered.
func (m *Orders) coming(q *module.Asked, product string) (int, error) {
	left, err := m.Left.Within(q, product) // on a worker of the shop
	if err != nil {
		return 0, err
	}
	need, err := m.Needs.Key(product).Get(q)
	return left + need.Ordered, err
}
