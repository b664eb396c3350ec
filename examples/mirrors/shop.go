// Package mirrors shows two modules of which each uses what the other declares: a shop, and
// a module that orders what the shop is about to run out of. Neither has the other's code.
package mirrors

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Sale is a record of the shop.
type Sale struct {
	Product string
	Amount  int
}

// Minimum says how much of a product the shop wants to have.
type Minimum struct {
	Product string
	Least   int
}

// Shelf is how much of a product the shop has had and sold.
type Shelf struct{ Bought, Sold int }

// Shop keeps what it has of each product.
type Shop struct {
	Name string // of the module; default Shop

	Sales    module.Depot[Sale]
	Minimums module.Depot[Minimum]
	Shelves  pstate.Map[string, Shelf]
	Least    pstate.Map[string, int]   // how much of a product it wants to have
	Left     module.Query[string, int] // how much of a product is left

	// Orders is the name of the module that orders. The first version of the shop knows of
	// none.
	Orders     string
	Deliveries module.Depot[Delivery] // of that module
	arrived    module.Step[Delivery]
}

// ModuleName names the module.
func (m *Shop) ModuleName() string { return cmp.Or(m.Name, "Shop") }

// Define declares it.
func (m *Shop) Define(b *module.Builder) {
	module.HashDepot(b, &m.Sales, "sales", func(s Sale) string { return s.Product })
	module.HashDepot(b, &m.Minimums, "minimums", func(n Minimum) string { return n.Product })
	s := b.Stream("shelves")
	s.PState(&m.Shelves, "shelves")
	s.PState(&m.Least, "least")
	module.DeclareSource(s, m.Minimums, func(ev *module.Event, n Minimum) error {
		m.Least.Key(n.Product).Set(ev, n.Least)
		return nil
	})
	module.DeclareSource(s, m.Sales, func(ev *module.Event, sale Sale) error {
		m.Shelves.Key(sale.Product).Update(ev, func(s Shelf) Shelf { return Shelf{s.Bought, s.Sold + sale.Amount} })
		return nil
	})
	module.DeclareQuery(b, &m.Left, "left", func(q *module.Asked, product string) (int, error) {
		shelf, err := m.Shelves.Key(product).Get(q)
		return shelf.Bought - shelf.Sold, err
	})
	if m.Orders != "" {
		m.defineDeliveries(b, s)
	}
}

// defineDeliveries is what the second version adds: it reads a depot of the module that
// mirrors the first one.
func (m *Shop) defineDeliveries(b *module.Builder, s *module.Stream) {
	module.MirrorDepot(b, &m.Deliveries, m.Orders, "deliveries")
	module.DeclareStep(s, &m.arrived, "arrived", module.At(&m.Shelves, func(d Delivery) string { return d.Product }), func(ev *module.Event, d Delivery) error {
		m.Shelves.Key(d.Product).Update(ev, func(s Shelf) Shelf { return Shelf{s.Bought + d.Amount, s.Sold} })
		return nil
	})
	module.DeclareSource(s, m.Deliveries, func(ev *module.Event, d Delivery) error {
		m.arrived.Send(ev, d)
		return nil
	}, module.StartFromBeginning())
}
