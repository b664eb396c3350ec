package clustertest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// mailer sends a letter for each order, and notes what came of it.
type mailer struct {
	options []module.StreamOption

	Orders module.Depot[string]
	Sent   pstate.Map[string, int]
	mail   module.Call[string]
	note   module.Step[string]

	mu      sync.Mutex
	letters map[string]int // by order: how often it was sent
}

func (m *mailer) Define(b *module.Builder) {
	m.letters = map[string]int{}
	module.HashDepot(b, &m.Orders, "orders", func(v string) string { return v })
	s := b.Stream("mailer", m.options...)
	s.PState(&m.Sent, "sent")
	module.DeclareCall(s, &m.mail, "mail", func(_ context.Context, order string) (string, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.letters[order]++
		return order, nil
	}, &m.note)
	module.DeclareStep(s, &m.note, "note", module.At(&m.Sent, func(v string) string { return v }), func(ev *module.Event, v string) error {
		m.Sent.Key(v).Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareSource(s, m.Orders, func(ev *module.Event, v string) error {
		m.mail.Start(ev, v)
		return nil
	})
}

// sent is how often letters were sent for an order.
func (m *mailer) sent(order string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.letters[order]
}

// A call that is held is not made; others of the task go on.
func TestHoldsOfCalls(t *testing.T) {
	t.Parallel()
	m := &mailer{}
	kit := clustertest.Start(t, m, clustertest.Config{})
	orders := clustertest.KeyPerTask(kit, m.Sent)
	hold := kit.Hold(m.mail, 1)
	p := clustertest.Begin(kit, m.Orders, orders[1])
	if _, err := m.Orders.Append(t.Context(), kit, orders[2]); err != nil {
		t.Fatal(err)
	}
	hold.Await(1)
	if n, other := m.sent(orders[1]), m.sent(orders[2]); n != 0 || other != 1 {
		t.Errorf("sent %d letters for the held order and %d for the other", n, other)
	}
	if s := kit.Status()[1]; s.Calls != 1 || s.AtRest() {
		t.Error(&s)
	}
	hold.Let(1)
	if _, err := p.Await(); err != nil {
		t.Fatal(err)
	}
	hold.Release()
	kit.Settle()
	if n := m.sent(orders[1]); n != 1 {
		t.Errorf("sent %d letters for the held order", n)
	}
}

// The owner ends around the commit that takes a call's result: the call is made again
// where the result was lost, and in an exactly-once stream what came of it is noted
// once.
func TestCrashesAroundACall(t *testing.T) {
	t.Parallel()
	for _, exact := range []bool{false, true} {
		for _, point := range points {
			t.Run(fmt.Sprint(point, " exact ", exact), func(t *testing.T) {
				t.Parallel()
				m := &mailer{}
				if exact {
					m.options = []module.StreamOption{module.ExactlyOnce()}
				}
				kit := clustertest.Start(t, m, clustertest.Config{})
				crash := kit.CrashAt(point, m.mail)
				if _, err := m.Orders.Append(t.Context(), kit, "order"); err != nil {
					t.Fatal(err)
				}
				crash.Await()
				kit.Settle()
				noted, err := m.Sent.Key("order").Get(kit)
				if err != nil || noted < 1 || exact && noted != 1 {
					t.Errorf("noted %d times, error %v", noted, err)
				}
				again := !exact || point == clustertest.BeforeCommit
				if n := m.sent("order"); n < 1 || (n > 1) != again {
					t.Errorf("sent %d letters", n)
				}
			})
		}
	}
}
