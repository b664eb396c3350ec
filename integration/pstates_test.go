package integration

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/codec/protobufcodec"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// purchase is a record of the shop.
type purchase struct {
	Region string
	At     time.Time
	Cents  int
}

// region is fixed keys.
type region struct {
	pstate.Fixed[region]
	Name  pstate.Value[string]
	Sales pstate.SortedMap[purchaseKey, int]
	Last  pstate.List[int]
}

// purchaseKey is a tuple: sales in the order of their amount, then of their time.
type purchaseKey struct {
	Amount float64
	At     time.Time
}

// shop has a PState of most kinds, with every option.
type shop struct {
	name  string
	other bool // declares the PStates in another way

	Sales   module.Depot[purchase]
	Wrapped module.Depot[*wrapperspb.StringValue]
	Regions pstate.MapOf[string, region] // placed by its own partitioner
	Total   pstate.Value[int]            // global, with an initial value
	Seen    pstate.Set[time.Time]        // private
	Words   pstate.Map[string, *wrapperspb.StringValue]

	total module.Step[purchase]
	sell  module.Step[purchase]
}

func (m *shop) ModuleName() string { return m.name }

// byLength places regions by the length of their name.
func byLength(name string, tasks int) int { return len(name) % tasks }

func (m *shop) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sales, "sales", module.Codec(msgpackcodec.Codec))
	module.HashDepot(b, &m.Wrapped, "wrapped", func(v *wrapperspb.StringValue) string { return v.GetValue() }, module.Codec(protobufcodec.Codec))
	s := b.Stream("first")
	s.PState(&m.Regions, "regions", pstate.PartitionBy(byLength), pstate.Codec(msgpackcodec.Codec))
	if m.other {
		var total pstate.Value[string]
		s.PState(&total, "total", pstate.Global())
	} else {
		s.PState(&m.Total, "total", pstate.Global(), pstate.Initial(1000))
	}
	s.PState(&m.Seen, "seen", pstate.Private())
	module.DeclareStep(s, &m.sell, "sell", module.At(&m.Regions, func(v purchase) string { return v.Region }), m.onSale, module.Codec(msgpackcodec.Codec))
	module.DeclareStep(s, &m.total, "total", module.Global[purchase](), func(ev *module.Event, v purchase) error {
		m.Total.Update(ev, func(n int) int { return n + v.Cents })
		return nil
	})
	module.DeclareSource(s, m.Sales, func(ev *module.Event, v purchase) error {
		m.sell.Send(ev, v)
		m.total.Send(ev, v)
		return nil
	})
	second := b.Stream("second")
	second.PState(&m.Words, "words", pstate.Codec(protobufcodec.Codec))
	module.DeclareSource(second, m.Wrapped, func(ev *module.Event, v *wrapperspb.StringValue) error {
		m.Words.Key(v.GetValue()).Set(ev, v)
		_, _ = m.Seen.Len(ev) // another topology's, and private: the event fails
		return nil
	})
}

func (m *shop) onSale(ev *module.Event, v purchase) error {
	r := m.Regions.Key(v.Region)
	r.Name.Set(ev, strings.ToUpper(v.Region))
	r.Sales.Key(purchaseKey{float64(v.Cents) / 100, v.At}).Set(ev, v.Cents)
	r.Last.PushFront(ev, v.Cents)
	if n, err := r.Last.Len(ev); err != nil || n <= 2 {
		return err
	}
	r.Last.Pop(ev)
	m.Seen.Add(ev, v.At)
	return nil
}

// promise 3.08: structures in structures, with keys of any order, on the tasks that
// their own partitioner says, in codecs of choice.
func TestPStatesOfEveryKind(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &shop{name: unique("Shop")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3}); err != nil {
			t.Fatal(err)
		}
		start := time.Date(2024, 2, 29, 12, 0, 0, 5e8, time.UTC)
		for i, cents := range []int{500, -250, 1999, 500} {
			for _, name := range []string{"it", "us"} {
				if _, err := m.Sales.Append(t.Context(), c.Client(), purchase{name, start.Add(time.Duration(i) * time.Hour), cents}); err != nil {
					t.Fatal(err)
				}
			}
		}
		at := c.Client().At(t.Context())
		it := m.Regions.Key("it")
		if name, err := it.Name.Get(at); err != nil || name != "IT" {
			t.Errorf("name %q, %v", name, err)
		}
		var amounts []float64
		for e, err := range it.Sales.Range(at, pstate.All[purchaseKey]()) {
			if err != nil {
				t.Fatal(err)
			}
			amounts = append(amounts, e.Key.Amount)
		}
		if !slices.Equal(amounts, []float64{-2.5, 5, 5, 19.99}) {
			t.Errorf("amounts in order: %v", amounts)
		}
		for i, want := range []int{500, 1999} {
			if cents, ok, err := it.Last.Get(at, i); err != nil || !ok || cents != want {
				t.Errorf("last purchase %d: %d, %v, %v; want %d", i, cents, ok, err, want)
			}
		}
		if n, err := it.Last.Len(at); err != nil || n != 2 {
			t.Errorf("%d last sales, %v", n, err)
		}
		// The partitioner chose task 2 for both names, and clients follow it.
		for id := range task.ID(3) {
			n, err := m.Regions.Len(c.Client().AtTask(t.Context(), id))
			if want := map[task.ID]int{2: 2}[id]; err != nil || n != want {
				t.Errorf("task %d keeps %d regions, %v; want %d", id, n, err, want)
			}
		}
		if n, err := m.Total.Get(at); err != nil || n != 1000+2*(500-250+1999+500) {
			t.Errorf("total %d, %v", n, err)
		}
		if _, err := m.Seen.Len(c.Client().AtTask(t.Context(), 2)); !errors.Is(err, pstate.ErrPrivate) {
			t.Errorf("a client's read of a private PState: %v", err)
		}
		var failed *client.FailedError
		if _, err := m.Wrapped.Append(t.Context(), c.Client(), wrapperspb.String("x")); !errors.As(err, &failed) || !strings.Contains(err.Error(), "PState seen: the PState is private") {
			t.Errorf("another topology's read of a private PState: %v", err)
		}
		refusesChanges(t, c, m.name)
	})
}

// refusesChanges launches another version, whose data would not be read.
func refusesChanges(t *testing.T, c *localcluster.Cluster, name string) {
	err := c.Launch(t.Context(), &shop{name: name, other: true}, localcluster.LaunchConfig{Tasks: 3})
	var changed *module.ChangedError
	if !errors.As(err, &changed) || !strings.Contains(err.Error(), `PState "total": its schema: values: was int64, is string`) || !strings.Contains(err.Error(), "under a new name") {
		t.Errorf("a version with another schema: %v", err)
	}
	user, err := c.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	if err := user.Use(t.Context(), &shop{name: name, other: true}); !errors.Is(err, client.ErrMismatch) {
		t.Errorf("a client with another schema: %v", err)
	}
}
