package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
)

// billing writes an invoice to a topic of others for each sale, from behind a hop.
type billing struct {
	name, topic string
	stream      []module.StreamOption
	Sales       module.Depot[sale]
	Invoices    module.Topic[invoice]
	Numbers     pstate.Map[string, int] // by customer: the last invoice
	bill        module.Step[sale]
}

type sale struct {
	Customer string
	Item     string
}

type invoice struct {
	Customer string
	Number   int
	Item     string
}

func (m *billing) ModuleName() string { return m.name }

func (m *billing) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sales, "sales")
	module.DeclareKeyedTopic(b, &m.Invoices, m.topic, func(i invoice) string { return i.Customer })
	s := b.Stream("billing", m.stream...)
	s.PState(&m.Numbers, "numbers")
	module.DeclareStep(s, &m.bill, "bill", module.At(&m.Numbers, func(v sale) string { return v.Customer }), func(ev *module.Event, v sale) error {
		m.Invoices.Emit(ev, invoice{v.Customer, agg.Inc(ev, m.Numbers.Key(v.Customer)), v.Item})
		return nil
	})
	module.DeclareSource(s, m.Sales, func(ev *module.Event, v sale) error {
		m.bill.Send(ev, v)
		return nil
	})
}

// R30: what handlers write to a topic that is no depot is there when the append
// returns, by key, and in the order of each key; at least once, or in transactions:
// then a worker that dies and the next owner leave nothing out, and nothing twice, for
// those who read with read_committed.
func TestTopicsOfOthers(t *testing.T) {
	t.Parallel()
	for _, w := range worlds() {
		for name, options := range map[string][]module.StreamOption{"at least once": nil, "exactly once": {module.ExactlyOnce()}} {
			t.Run(name+" on "+w.name, func(t *testing.T) {
				t.Parallel()
				m := &billing{name: unique("Billing"), topic: unique("invoices"), stream: options}
				bill(t, w, m)
			})
		}
	}
}

func bill(t *testing.T, w world, m *billing) {
	kafka, outside := brokers(t, w)
	log, err := kafkadepot.Open(t.Context(), kafka)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	config := localcluster.Config{Log: log}
	if len(w.redis) > 0 {
		state, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: w.redis})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = state.Close() })
		config.Store = state
	}
	c, err := localcluster.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3}); !errors.Is(err, depot.ErrNoTopic) {
		t.Fatalf("launched without the topic: %v", err)
	}
	if err := c.MakeTopic(t.Context(), m.topic, 2); err != nil {
		t.Fatal(err)
	}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3}); err != nil {
		t.Fatal(err)
	}
	dying := c.Workers()[0]
	if _, err := c.AddWorker(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	const half, customers = 30, 5
	exactly := len(m.stream) > 0
	for i := range 2 * half {
		if i == half {
			dying.Abort()
		}
		m.sell(t, c, sale{fmt.Sprint("customer ", i%customers), fmt.Sprint("item ", i)})
	}
	invoices := readInvoices(t, outside, m.topic)
	for n := range customers {
		have := invoices[fmt.Sprint("customer ", n)]
		var items []string
		for i, v := range have {
			if exactly && v.Number != i+1 {
				t.Errorf("customer %d: invoice %d stands at place %d", n, v.Number, i+1)
			}
			if !slices.Contains(items, v.Item) {
				items = append(items, v.Item)
			}
		}
		if len(items) != 2*half/customers || exactly && len(have) != len(items) {
			t.Errorf("customer %d: %d invoices for %d items, want %d", n, len(have), len(items), 2*half/customers)
		}
	}
}

// sell appends a sale and waits for it, over take-overs.
func (m *billing) sell(t *testing.T, c *localcluster.Cluster, v sale) {
	t.Helper()
	_, err := m.Sales.Append(t.Context(), c.Client(), v)
	for err != nil {
		var failed *client.FailedError
		var unknown *client.UnknownError
		switch {
		case errors.As(err, &failed) && failed.WillRetry:
			_, err = c.Client().Await(t.Context(), failed.Place)
		case errors.As(err, &unknown) && unknown.Place.Offset >= 0:
			_, err = c.Client().Await(t.Context(), unknown.Place)
		default:
			t.Fatal(err)
		}
	}
}

// brokers are those of a world, and options for a client of others.
func brokers(t *testing.T, w world) (kafkadepot.Config, []kgo.Opt) {
	t.Helper()
	if w.kafka != "" {
		return kafkadepot.Config{Brokers: []string{w.kafka}}, []kgo.Opt{kgo.SeedBrokers(w.kafka)}
	}
	network := &kfake.VirtualNetwork{}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(network.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return kafkadepot.Config{Brokers: broker.ListenAddrs(), Dialer: network.DialContext}, []kgo.Opt{kgo.SeedBrokers(broker.ListenAddrs()...), kgo.Dialer(network.DialContext)}
}

// readInvoices reads what is committed, by customer, up to where the topic ends now.
func readInvoices(t *testing.T, opts []kgo.Opt, topic string) map[string][]invoice {
	t.Helper()
	reader, err := kgo.NewClient(append(slices.Clone(opts), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ends, err := kadm.NewClient(reader).ListCommittedOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{} // by partition, the offset behind its last record
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	invoices := map[string][]invoice{}
	for len(left) > 0 {
		fetches := reader.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				var v invoice
				if err := json.Unmarshal(r.Value, &v); err != nil || string(r.Key) != v.Customer {
					t.Errorf("record %q %q: %v", r.Key, r.Value, err)
				}
				invoices[v.Customer] = append(invoices[v.Customer], v)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return invoices
}
