package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// The code of docs/guides/depots.md and streams.md that is in no example.

type Sessions struct {
	Minutes module.Ticks
	expire  module.Step[time.Time]

	Expired pstate.Value[time.Time] // on each task
}

func (m *Sessions) Define(b *module.Builder) {
	module.TickDepot(b, &m.Minutes, "minutes", time.Minute)
	s := b.Stream("sessions")
	s.PState(&m.Expired, "expired")
	module.DeclareStep(s, &m.expire, "expire", module.Stay[time.Time](), m.onExpire)
	module.DeclareTickSource(s, m.Minutes, func(ev *module.Event, t module.Tick) error {
		m.expire.SendAll(ev, t.Time) // a tick is an event on task 0; this tells all tasks
		return nil
	})
}

func (m *Sessions) onExpire(ev *module.Event, at time.Time) error {
	m.Expired.Set(ev, at)
	return nil
}

type Payment struct {
	ID, Payer string
	Cents     int
}

type Invoice struct {
	Customer string
	Cents    int
}

// Payments is what the guide appends to.
type Payments struct {
	Payments module.Depot[Payment]
	Orders   module.Depot[Payment]
	Paid     pstate.Map[string, int]
	Invoices module.Topic[Invoice]
}

func (m *Payments) Define(b *module.Builder) {
	payer := func(p Payment) string { return p.Payer }
	module.HashDepot(b, &m.Payments, "payments", payer, module.AppendIDs(10_000))
	module.HashDepot(b, &m.Orders, "orders", payer)
	module.DeclareKeyedTopic(b, &m.Invoices, "shop.invoices", func(i Invoice) string { return i.Customer })
	s := b.Stream("transfers", module.ExactlyOnce())
	s.PState(&m.Paid, "paid")
	module.DeclareSource(s, m.Payments, func(ev *module.Event, p Payment) error {
		m.Paid.Key(p.Payer).Update(ev, func(n int) int { return n + p.Cents })
		m.Invoices.Emit(ev, Invoice{Customer: p.Payer, Cents: p.Cents})
		return nil
	}, module.StartFromBeginning())
}

func (m *Payments) payTwice(ctx context.Context, c *client.Client, p Payment) error {
	for range 2 {
		acks, err := m.Payments.Append(ctx, c, p, module.AppendID(p.ID))
		if err != nil {
			return fmt.Errorf("%v: %w", acks, err)
		}
	}
	return nil
}

func (m *Payments) look(ctx context.Context, c *client.Client) (n int, err error) {
	info, err := m.Orders.Info(ctx, c) // partitions, type, codec
	if err != nil {
		return 0, err
	}
	for partition := range info.Partitions {
		at, err := m.Orders.PartitionInfo(ctx, c, partition) // offsets: from Start up to, and without, End
		if err != nil {
			return 0, err
		}
		records, err := m.Orders.Read(ctx, c, partition, at.Start, at.End) // with their offsets and times
		if err != nil {
			return 0, err
		}
		n += len(records)
	}
	return n, nil
}

func (m *Payments) appendAll(ctx context.Context, c *client.Client, orders []Payment) error {
	bulk := client.NewBulk(c, m.Orders, client.BulkConfig{Window: 500})
	for _, o := range orders {
		if err := bulk.Append(ctx, o); err != nil {
			return err // this one was not begun
		}
	}
	return bulk.Close() // waits for all; says which records failed
}

func trimVisits(ctx context.Context, c *client.Client) ([]client.Trimmed, error) {
	trimmed, err := c.TrimDepot(ctx, "Visits", "visits", client.TrimConfig{EntriesMax: 1_000_000, ExcessProportion: 0.25})
	return trimmed, err
}

func TestTheGuideToDepotsDeclares(t *testing.T) {
	t.Parallel()
	if plan, err := module.Compile(&Sessions{}); err != nil {
		t.Errorf("%v, %v", plan, err)
	}
}

func TestTheGuideToDepotsRuns(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.MakeTopic(t.Context(), "shop.invoices", 2); err != nil {
		t.Fatal(err)
	}
	m := &Payments{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	p := Payment{"a", "ann", 5}
	if err := m.payTwice(t.Context(), c.Client(), p); err != nil {
		t.Fatal(err)
	}
	if paid, err := m.Paid.Key("ann").Get(c.Client().At(t.Context())); paid != 5 || err != nil {
		t.Errorf("ann has paid %d, %v; want 5", paid, err)
	}
	if err := m.appendAll(t.Context(), c.Client(), []Payment{p, {"b", "bob", 1}, {"c", "cyd", 1}}); err != nil {
		t.Fatal(err)
	}
	if n, err := m.look(t.Context(), c.Client()); n != 3 || err != nil {
		t.Errorf("%d orders, %v; want 3", n, err)
	}
	if trimmed, err := trimVisits(t.Context(), c.Client()); err == nil {
		t.Errorf("a depot that is not there was trimmed: %v", trimmed)
	}
}
