package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
)

// reading keeps what it reads of a topic that another client of Kafka writes.
type reading struct {
	name, topic string
	Lines       module.Topic[string]
	Kept        pstate.Map[string, string] // by key, on the task of the key
	keep        module.Step[keptText]
}

type keptText struct{ Key, Text string }

func (m *reading) ModuleName() string { return m.name }

func (m *reading) Define(b *module.Builder) {
	module.DeclareTopic(b, &m.Lines, m.topic, module.Text())
	s := b.Stream("lines", module.ExactlyOnce())
	s.PState(&m.Kept, "kept")
	module.DeclareStep(s, &m.keep, "keep", module.At(&m.Kept, func(k keptText) string { return k.Key }), func(ev *module.Event, k keptText) error {
		m.Kept.Key(k.Key).Update(ev, func(have string) string { return strings.TrimSpace(have + " " + k.Text) })
		return nil
	})
	module.DeclareTopicSource(s, m.Lines, func(ev *module.Event, r module.TopicRecord[string]) error {
		text := r.Value
		if r.Tombstone {
			text = "deleted"
		}
		if by, ok := r.Header("by"); ok {
			text += " by " + string(by)
		}
		m.keep.Send(ev, keptText{string(r.Key), text})
		return nil
	}, module.StartFromBeginning())
}

// What another client writes is read as it is: with headers and tombstones, and of transactions
// what is committed. A topic that gets more partitions is read on, the new ones from their
// beginning, when the workers have started anew (5.01, 5.04).
func TestTopicsAsSources(t *testing.T) {
	t.Parallel()
	for _, w := range worlds() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			readTopic(t, w, &reading{name: unique("Reading"), topic: unique("lines")})
		})
	}
}

func readTopic(t *testing.T, w world, m *reading) {
	kafka, outside := brokers(t, w)
	config := localcluster.Config{}
	log, err := kafkadepot.Open(t.Context(), kafka)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	config.Log = log
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
	if err := c.MakeTopic(t.Context(), m.topic, 3); err != nil {
		t.Fatal(err)
	}
	writer := m.writer(t, outside)
	writer.transact(t, "a", kgo.TryCommit)
	writer.transact(t, "never", kgo.TryAbort)
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 2, Cluster: c})
	writer.transact(t, "b", kgo.TryCommit)
	writer.write(t, &kgo.Record{Topic: m.topic, Partition: 1, Key: []byte("key 1")})
	m.await(t, kit, map[string]string{"key 0": "a0 by me b0 by me", "key 1": "a1 by me b1 by me deleted", "key 2": "a2 by me b2 by me"})

	// More partitions: what is written to them is not lost, though nobody reads them yet.
	if _, err := kadm.NewClient(writer.Client).CreatePartitions(t.Context(), 2, m.topic); err != nil {
		t.Fatal(err)
	}
	writer.Client.ForceMetadataRefresh()
	more := &kgo.Record{Topic: m.topic, Partition: 4, Key: []byte("key 4"), Value: []byte("late")}
	for writer.try(t.Context(), more) != nil { // until the brokers know the partition
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
	}
	first := c.Workers()[0]
	if _, err := c.AddWorker(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	first.Abort()
	m.await(t, kit, map[string]string{"key 0": "a0 by me b0 by me", "key 4": "late"})
}

// await waits until the keys have their texts.
func (m *reading) await(t *testing.T, kit *clustertest.Kit, want map[string]string) {
	t.Helper()
	for key, text := range want {
		for change, err := range client.Watch(t.Context(), kit.Client(), client.WatchOptions{}, m.Kept.Key(key).Get) {
			if err != nil {
				t.Fatal(err)
			}
			if change.Value == text {
				break
			}
		}
	}
}

// otherWriter is another client, which chooses partitions itself.
type otherWriter struct {
	*kgo.Client
	topic string
}

func (m *reading) writer(t *testing.T, outside []kgo.Opt) *otherWriter {
	t.Helper()
	client, err := kgo.NewClient(append(slices.Clone(outside), kgo.TransactionalID(m.topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &otherWriter{client, m.topic}
}

// transact writes a record to each of the first three partitions, in one transaction.
func (w *otherWriter) transact(t *testing.T, text string, end kgo.TransactionEndTry) {
	t.Helper()
	var all []*kgo.Record
	for p := range int32(3) {
		all = append(all, &kgo.Record{Topic: w.topic, Partition: p, Key: fmt.Appendf(nil, "key %d", p), Value: fmt.Appendf(nil, "%s%d", text, p), Headers: []kgo.RecordHeader{{Key: "by", Value: []byte("me")}}})
	}
	if err := w.commit(t.Context(), end, all...); err != nil {
		t.Fatal(err)
	}
}

func (w *otherWriter) write(t *testing.T, r *kgo.Record) {
	t.Helper()
	if err := w.commit(t.Context(), kgo.TryCommit, r); err != nil {
		t.Fatal(err)
	}
}

func (w *otherWriter) try(ctx context.Context, r *kgo.Record) error {
	return w.commit(ctx, kgo.TryCommit, r)
}

func (w *otherWriter) commit(ctx context.Context, end kgo.TransactionEndTry, records ...*kgo.Record) error {
	if err := w.BeginTransaction(); err != nil {
		return err
	}
	if err := w.ProduceSync(ctx, records...).FirstErr(); err != nil {
		_ = w.EndTransaction(ctx, kgo.TryAbort)
		return err
	}
	return w.EndTransaction(ctx, end)
}
