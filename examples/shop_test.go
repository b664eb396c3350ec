package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/internal/guide"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// The code of docs/guides/pstates.md.

type Order struct {
	Item   string
	Amount int
}

type Address struct {
	pstate.Fixed[Address]
	Street, City pstate.Value[string]
}

type Post struct{ Text string }

type Profile struct {
	pstate.Fixed[Profile]
	Name    pstate.Value[string]
	Address Address // fixed keys again
	Friends pstate.SortedSet[string]
	Latest  pstate.List[Post]
}

type Shop struct {
	Stock    pstate.Map[string, int]                                  // per product
	Orders   pstate.MapOf[string, pstate.SortedMap[time.Time, Order]] // per customer, by time
	Profiles pstate.MapOf[string, Profile]                            // per customer, fixed keys

	Names  module.Depot[string]
	Leave  module.Depot[string]
	forget module.Step[string]
}

func (m *Shop) Define(b *module.Builder) {
	s := b.Stream("shop")
	s.PState(&m.Stock, "stock")
	s.PState(&m.Orders, "orders")
	s.PState(&m.Profiles, "profiles", pstate.Codec(msgpackcodec.Codec))
	customer := func(name string) string { return name }
	module.HashDepot(b, &m.Names, "names", customer)
	module.HashDepot(b, &m.Leave, "leave", customer)
	module.DeclareStep(s, &m.forget, "forget", module.At(&m.Orders, customer), m.onForget)
	module.DeclareSource(s, m.Leave, m.onForget)
	module.DeclareSource(s, m.Names, m.onName)
}

func (m *Shop) onName(ev *module.Event, _ string) error {
	post := Post{"hello"}
	m.Profiles.Key("ann").Name.Set(ev, "Ann")
	m.Profiles.Key("ann").Latest.PushFront(ev, post)
	for i := range 3 {
		m.Orders.Key("ann").Key(ev.Now().Add(time.Duration(i)*time.Hour)).Set(ev, Order{"tea", i})
	}
	return nil
}

func (m *Shop) onForget(ev *module.Event, customer string) error {
	if !m.Orders.DeletePart(ev, customer, 5_000) {
		m.forget.Send(ev, customer) // the rest, in a batch of its own
	}
	return nil
}

// latest are ann's orders since monday, the latest first.
func (m *Shop) latest(r pstate.Reader, monday, friday time.Time) (all []Order, err error) {
	for e, err := range m.Orders.Key("ann").Range(r, pstate.From(monday).To(friday).Reverse().Limit(10)) {
		if err != nil {
			return nil, err
		}
		all = append(all, e.Val)
	}
	return all, nil
}

func TestTheCodeOfTheGuideToPStates(t *testing.T) {
	t.Parallel()
	guide.Shows(t, "docs/guides/pstates.md", "shop_test.go")
	clock := localcluster.NewClock(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))
	c, err := localcluster.Start(t.Context(), localcluster.Config{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := &Shop{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	r, monday := c.Client().At(t.Context()), clock.Now()
	for _, step := range []struct {
		depot  module.Depot[string]
		orders int
	}{{m.Names, 3}, {m.Leave, 0}} {
		if _, err := step.depot.Append(t.Context(), c.Client(), "ann"); err != nil {
			t.Fatal(err)
		}
		all, err := m.latest(r, monday, monday.AddDate(0, 0, 4))
		if len(all) != step.orders || err != nil || len(all) > 0 && all[0].Amount != 2 {
			t.Errorf("ann has the orders %v, error %v, want %d", all, err, step.orders)
		}
	}
	if name, err := m.Profiles.Key("ann").Name.Get(r); name != "Ann" || err != nil {
		t.Errorf("ann's name is %q, error %v", name, err)
	}
}

// stock is a shop with nothing but its stock, by what its keys are.
type stock[K comparable] struct {
	Sold  module.Depot[string]
	Stock pstate.Map[K, int]
}

func (m *stock[K]) ModuleName() string { return "Shop" }

func (m *stock[K]) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sold, "sold")
	s := b.Stream("shop")
	s.PState(&m.Stock, "stock")
	module.DeclareSource(s, m.Sold, func(*module.Event, string) error { return nil })
}

// The guide shows why a version is refused.
func TestTheGuideShowsARefusal(t *testing.T) {
	t.Parallel()
	before, err := module.Compile(&stock[string]{})
	if err != nil {
		t.Fatal(err)
	}
	now, err := module.Compile(&stock[int64]{})
	if err != nil {
		t.Fatal(err)
	}
	guide.Outputs(t, "docs/guides/pstates.md", fmt.Sprintln(now.Accepts(&module.Registration{Plan: before})))
}
