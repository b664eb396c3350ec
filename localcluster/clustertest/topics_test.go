package clustertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// payment is what others write to the topic.
type payment struct {
	Account string
	Cents   int
}

// payments reads a topic of others: its sums lie by account, elsewhere than its records.
type payments struct {
	kind     string // of the topology
	Payments module.Topic[payment]
	Sums     pstate.Map[string, int]
	Places   pstate.Map[string, string] // what each place of the topic had
	add      module.Step[payment]
}

const paymentsTopic = "shop.payments"

// kinds are the topologies that have topics as sources.
var kinds = []string{"stream", "exactly-once stream", "microbatch"}

func (m *payments) ModuleName() string { return "Payments" }

func (m *payments) Define(b *module.Builder) {
	module.DeclareTopic(b, &m.Payments, paymentsTopic)
	var topology module.Topology
	var declare func(pstate.Schema, string, ...pstate.Option)
	switch m.kind {
	case "microbatch":
		s := b.Microbatch("payments")
		topology, declare = s, s.PState
	case "exactly-once stream":
		s := b.Stream("payments", module.ExactlyOnce())
		topology, declare = s, s.PState
	default:
		s := b.Stream("payments")
		topology, declare = s, s.PState
	}
	declare(&m.Sums, "sums")
	declare(&m.Places, "places", pstate.PartitionBy(func(place string, tasks int) int {
		var partition, offset int
		_, _ = fmt.Sscanf(place, "%d/%d", &partition, &offset)
		return partition % tasks
	}))
	module.DeclareStep(topology, &m.add, "add", module.At(&m.Sums, func(p payment) string { return p.Account }), func(ev *module.Event, p payment) error {
		m.Sums.Key(p.Account).Update(ev, func(n int) int { return n + p.Cents })
		return nil
	})
	module.DeclareTopicSource(topology, m.Payments, m.onPayment, module.StartFromBeginning())
}

func (m *payments) onPayment(ev *module.Event, r module.TopicRecord[payment]) error {
	if r.Offset != ev.Offset() || !r.Time.Equal(ev.Now()) {
		return module.Park(fmt.Errorf("record at offset %d of %v is that of an event at %d of %v", r.Offset, r.Time, ev.Offset(), ev.Now()))
	}
	place := m.Places.Key(fmt.Sprintf("%d/%d", r.Partition, r.Offset))
	origin, _ := r.Header("origin")
	if r.Tombstone {
		place.Set(ev, fmt.Sprintf("%s from %s is deleted", r.Key, origin))
		return nil
	}
	place.Set(ev, fmt.Sprintf("%s from %s: %d", r.Key, origin, r.Value.Cents))
	m.add.Send(ev, r.Value)
	return nil
}

// A topic of others is read by all tasks, whichever number of partitions it has: with key,
// headers and time, tombstones among them. What does not decode is parked, and can be
// edited and retried where it lies (promise 4.08).
func TestTopicSources(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, partitions := range []int{1, 2, 3, 8} {
			t.Run(fmt.Sprintf("%s of %d partitions", kind, partitions), func(t *testing.T) {
				t.Parallel()
				readPayments(t, &payments{kind: kind}, partitions)
			})
		}
	}
}

func readPayments(t *testing.T, m *payments, partitions int) {
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3}); err == nil || !strings.Contains(err.Error(), "reads topic "+paymentsTopic) {
		t.Fatalf("launched without the topic: %v", err)
	}
	if err := c.MakeTopic(t.Context(), paymentsTopic, partitions); err != nil {
		t.Fatal(err)
	}
	put := func(partition int, key string, value []byte) int64 {
		t.Helper()
		offset, err := appendTo(t.Context(), c.Log(), paymentsTopic, partition, depot.Record{Key: []byte(key), Value: value, Headers: []depot.Header{{Key: "origin", Value: []byte("no")}, {Key: "origin", Value: []byte("shop")}}})
		if err != nil {
			t.Fatal(err)
		}
		return offset
	}
	want, sums := map[string]string{}, map[string]int{}
	fill := func(n int) {
		t.Helper()
		for i := range n {
			key, p := fmt.Sprint("account ", i%5), i%partitions
			if i%7 == 6 {
				want[fmt.Sprintf("%d/%d", p, put(p, key, nil))] = key + " from shop is deleted"
				continue
			}
			raw, err := json.Marshal(payment{key, i})
			if err != nil {
				t.Fatal(err)
			}
			want[fmt.Sprintf("%d/%d", p, put(p, key, raw))] = fmt.Sprintf("%s from shop: %d", key, i)
			sums[key] += i
		}
	}
	fill(20)
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 3, Cluster: c})
	fill(20)
	last := partitions - 1
	bad := put(last, "bad", []byte("{"))
	m.settled(t, kit, partitions)
	parked, err := c.Client().Parked(t.Context(), "Payments")
	if err != nil || len(parked) != 1 || parked[0].Partition != int32(last) || parked[0].Offset != bad || string(parked[0].Key) != "bad" || len(parked[0].Headers) != 2 {
		t.Fatalf("parked: %+v, %v", parked, err)
	}
	if err := c.Client().EditParked(t.Context(), parked[0].ParkedRef, []byte(`{"Account":"account 0","Cents":1000}`)); err != nil {
		t.Fatal(err)
	}
	if err := c.Client().RetryParked(t.Context(), parked[0].ParkedRef); err != nil {
		t.Fatal(err)
	}
	want[fmt.Sprintf("%d/%d", last, bad)] = "bad from shop: 1000"
	sums["account 0"] += 1000
	m.check(t, c, want, sums)

	// A second worker takes tasks over, and goes on where the first one was.
	if _, err := c.AddWorker(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	fill(20)
	m.settled(t, kit, partitions)
	m.check(t, c, want, sums)
}

// settled waits until all of the topic is processed, and wants Progress to say so, which for a
// stream is written now and then.
func (m *payments) settled(t *testing.T, kit *clustertest.Kit, partitions int) {
	t.Helper()
	kit.Settle()
	all, err := kit.Client().Progress(t.Context(), "Payments", "payments")
	if err != nil {
		t.Fatal(err)
	}
	read := map[int32]bool{}
	for _, p := range all {
		if read[p.Partition] = true; p.Depot != "topic:"+paymentsTopic || p.Source != "shop-payments" || !p.Begun || m.kind != "stream" && p.Next != p.End {
			t.Errorf("progress %+v", p)
		}
	}
	if len(read) != partitions || len(all) != partitions {
		t.Errorf("progress of partitions %v, want %d of them", read, partitions)
	}
}

// check wants each place as it was written. What hops has its effect at least once in a
// stream: the second worker repeats what it finds no progress of.
func (m *payments) check(t *testing.T, c *localcluster.Cluster, want map[string]string, sums map[string]int) {
	t.Helper()
	r := c.Client().At(t.Context())
	for place, text := range want {
		if have, err := m.Places.Key(place).Get(r); have != text || err != nil {
			t.Errorf("place %s: %q, %v, want %q", place, have, err, text)
		}
	}
	for account, sum := range sums {
		if have, err := m.Sums.Key(account).Get(r); have != sum && (m.kind != "stream" || have < sum) || err != nil {
			t.Errorf("%s: %d, %v, want %d", account, have, err, sum)
		}
	}
	if m.kind == "microbatch" {
		var info client.MicrobatchInfo
		var err error
		if info, err = c.Client().Microbatches(t.Context(), "Payments", "payments"); err != nil || len(info.Next["topic:"+paymentsTopic]) == 0 {
			t.Errorf("microbatches: %+v, %v", info, err)
		}
	}
}

// appendTo appends a record to a topic and waits for it.
func appendTo(ctx context.Context, log depot.Log, topic string, partition int, r depot.Record) (int64, error) {
	type outcome struct {
		offset int64
		err    error
	}
	done := make(chan outcome, 1)
	log.Append(ctx, topic, int32(partition), r, depot.Replicated, func(offset int64, err error) { done <- outcome{offset, err} })
	o := <-done
	return o.offset, o.err
}

// Holding a topic holds all that a task reads of it, and a crash finds its sources.
func TestTopicsAreHeld(t *testing.T) {
	t.Parallel()
	m := &payments{kind: "exactly-once stream"}
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.MakeTopic(t.Context(), paymentsTopic, 4); err != nil {
		t.Fatal(err)
	}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 2, Cluster: c})
	hold := kit.Hold(m.Payments)
	for p := range 4 {
		if _, err := appendTo(t.Context(), c.Log(), paymentsTopic, p, depot.Record{Value: []byte(`{"Account":"a","Cents":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	hold.Await(4)
	crash := kit.CrashAt(clustertest.AfterCommit, m.Payments)
	hold.Release()
	crash.Await()
	kit.Settle()
	if sum, err := m.Sums.Key("a").Get(kit); sum != 4 || err != nil {
		t.Errorf("the sum is %d, %v, want 4", sum, err)
	}
}
