package flow

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// order is a record of which little is used far away.
type order struct {
	Customer, Product string
	Notes             []string
	Amount            int
}

type shop struct {
	Orders  module.Depot[order]
	Sold    pstate.Map[string, int]
	options []module.StreamOption
	build   func(m *shop, b *Block, o Var[order])

	graph *graph
}

func (m *shop) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Orders, "orders")
	s := b.Stream("s", m.options...)
	s.PState(&m.Sold, "sold")
	Source(s, m.Orders, func(b *Block, o Var[order]) {
		m.graph = b.flow
		m.build(m, b, o)
	})
}

func planOf(t *testing.T, m *shop) *module.Plan {
	t.Helper()
	plan, err := module.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func sold(m *shop, b *Block, o Var[order]) {
	product, amount := Expand2(b, func(o order) (string, int) { return o.Product, o.Amount }, o)
	customer := Each(b, F1(func(o order) string { return o.Customer }, o))
	product, amount, customer = product.Label("product"), amount.Label("amount"), customer.Label("customer")
	HopAt(b, &m.Sold, product, Named("product"))
	Agg(b, Key(&m.Sold, product), Sum(amount))
	KeepTrue(b, Less(Const(100), amount))
	HopByHash(b, customer, Named("customer"))
	Do1(b, func(*module.Event, string) error { return nil }, customer)
}

// promise 10.11: a hop carries what is used behind it, and nothing else; here 20 bytes of
// a record of more than 1,000.
func TestAHopCarriesWhatIsUsedBehindIt(t *testing.T) {
	t.Parallel()
	m := &shop{build: sold}
	plan := planOf(t, m)
	for i, want := range []string{"amount int, customer string, product string", "customer string"} {
		if got := plan.Streams[0].Steps[i].Codec; got != want {
			t.Errorf("step %s carries %q, want %q", plan.Streams[0].Steps[i].Name, got, want)
		}
	}
	h := m.graph.hops[0]
	x := m.graph.begin(nil)
	o := order{Customer: "ann", Product: "tea", Amount: 7, Notes: []string{strings.Repeat("n", 1000)}}
	x.cells[0] = &box[order]{o}
	for _, n := range m.graph.nodes[:3] { // up to the hop
		if err := n.simple(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.pack(x, nil); err != nil {
		t.Fatal(err)
	}
	if want := "\x017" + "\x05\"ann\"" + "\"tea\""; string(x.raw) != want {
		t.Errorf("a packet is %q, want %q", x.raw, want)
	}
	y := &run{cells: make([]cell, len(m.graph.variables))}
	if err := h.unpack(y, slices.Clone(x.raw)); err != nil {
		t.Fatal(err)
	}
	for i, c := range y.cells {
		if carried := slices.Contains(h.carried, m.graph.variables[i]); carried != (c != nil) {
			t.Errorf("variable %s of a packet is there: %v", m.graph.variables[i].name(), c != nil)
		}
	}
	for n := range x.raw { // whatever is cut off is noticed
		if err := h.unpack(y, x.raw[:n]); err == nil {
			t.Errorf("the first %d bytes of a packet are taken for one", n)
		}
	}
}

// Packets keep what has any length.
func TestPacketsOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 127, 128, 300, 1 << 14, 1 << 21} {
		text := bytes.Repeat([]byte{'x'}, n)
		raw, err := appendSized([]byte("before"), func(dst []byte) ([]byte, error) { return append(dst, text...), nil })
		if err != nil {
			t.Fatal(err)
		}
		what, rest, ok := cutSized(append(raw[len("before"):], "behind"...))
		if !ok || !bytes.Equal(what, text) || string(rest) != "behind" {
			t.Errorf("%d bytes come back as %d, with %q behind", n, len(what), rest)
		}
	}
}

// What a loop uses in its next turn travels, too, and what is set anew does not.
func TestLiveInLoops(t *testing.T) {
	t.Parallel()
	m := &shop{build: func(m *shop, b *Block, o Var[order]) {
		product, amount := Expand2(b, func(o order) (string, int) { return o.Product, o.Amount }, o)
		product, amount = product.Label("product"), amount.Label("amount")
		LoopWith(b, amount, func(l Loop[int], b *Block, left Var[int]) {
			HopByHash(b, left, Named("turn"))
			Set(b, Key(&m.Sold, product), left.Label("left"))
			KeepTrue(b, Less(Const(0), left))
			l.Continue(b, F1(func(n int) int { return n - 1 }, left))
		})
	}}
	if got := planOf(t, m).Streams[0].Steps[0].Codec; got != "left int, product string" {
		t.Errorf("a turn carries %q", got)
	}
}

// Each variable is carried by the first codec that takes its type.
func TestCodecsOfHops(t *testing.T) {
	t.Parallel()
	m := &shop{build: func(_ *shop, b *Block, o Var[order]) {
		name := Each(b, F1(func(o order) string { return o.Customer }, o)).Label("name")
		HopStay(b, CarriedBy(codec.Text, msgpackcodec.Codec))
		Do2(b, func(*module.Event, string, order) error { return nil }, name, o.Label("order"))
	}}
	want := "name string as text, order flow.order as msgpack"
	if got := planOf(t, m).Streams[0].Steps[0].Codec; got != want {
		t.Errorf("carried as %q, want %q", got, want)
	}
}

// Events under way outlive an update of an exactly-once stream: one whose hops carry the
// same is taken, in whatever order they are declared; one whose hops carry something else
// is refused, with what it was and is.
func TestUpdates(t *testing.T) {
	t.Parallel()
	exact := []module.StreamOption{module.ExactlyOnce()}
	before := &module.Registration{Version: 1, Tasks: 4, Plan: planOf(t, &shop{build: sold, options: exact})}
	same := planOf(t, &shop{options: exact, build: func(m *shop, b *Block, o Var[order]) {
		customer := Each(b, F1(func(o order) string { return o.Customer }, o)).Label("customer")
		product := Each(b, F1(func(o order) string { return o.Product }, o)).Label("product")
		amount := Each(b, F1(func(o order) int { return o.Amount }, o)).Label("amount")
		HopAt(b, &m.Sold, product, Named("goods"), Formerly("product"))
		Agg(b, Key(&m.Sold, product), Sum(amount))
		HopByHash(b, customer, Named("customer"))
		Do1(b, func(*module.Event, string) error { return nil }, customer)
	}})
	if err := same.Accepts(before); err != nil {
		t.Errorf("the same variables: %v", err)
	}
	other := planOf(t, &shop{options: exact, build: func(m *shop, b *Block, o Var[order]) {
		product := Each(b, F1(func(o order) string { return o.Product }, o)).Label("product")
		HopAt(b, &m.Sold, product, Named("product"))
		Agg(b, Key(&m.Sold, product), Count[int]())
	}})
	err := other.Accepts(before)
	if want := `step "product": events under way were stored as amount int, customer string, product string, are as product string`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("other variables: %v, want %s", err, want)
	}
}
