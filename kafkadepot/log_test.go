package kafkadepot_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/depot/depottest"
	"github.com/coppice-run/coppice/kafkadepot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The log keeps its contract on the broker in memory.
func TestConformanceInMemory(t *testing.T) {
	t.Parallel()
	depottest.Run(t, func(t *testing.T) depottest.Harness {
		_, config := startBroker(t)
		return harness(t, config)
	})
}

// The log keeps its contract on a real broker, where one is named.
func TestConformanceOnKafka(t *testing.T) {
	t.Parallel()
	broker := os.Getenv("COPPICE_TEST_KAFKA")
	if broker == "" {
		t.Skip("COPPICE_TEST_KAFKA names no broker; make integration starts one")
	}
	depottest.Run(t, func(t *testing.T) depottest.Harness {
		return harness(t, kafkadepot.Config{Brokers: []string{broker}})
	})
}

func harness(t *testing.T, config kafkadepot.Config) depottest.Harness {
	t.Helper()
	log, err := kafkadepot.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	opts := []kgo.Opt{kgo.SeedBrokers(config.Brokers...)}
	if config.Dialer != nil {
		opts = append(opts, kgo.Dialer(config.Dialer))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	admin := kadm.NewClient(client)
	return depottest.Harness{
		Log: log,
		Cut: func(ctx context.Context, topic string, partition int32, below int64) error {
			offsets := kadm.Offsets{}
			offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: below})
			deleted, err := admin.DeleteRecords(ctx, offsets)
			if err != nil {
				return err
			}
			return deleted.Error()
		},
		Recreate: func(ctx context.Context, topic string) error { return recreate(ctx, admin, topic) },
		Make:     log.Make,
		Committed: func(ctx context.Context, topic string, partition int32) ([]depot.Record, error) {
			return committed(ctx, admin, opts, topic, partition)
		},
	}
}

// committed reads a partition as those do who take committed transactions only. They
// see as far as the transactions have ended: all of the test's have.
func committed(ctx context.Context, admin *kadm.Client, opts []kgo.Opt, topic string, partition int32) ([]depot.Record, error) {
	var end int64
	for {
		stable, err := admin.ListCommittedOffsets(ctx, topic)
		if err != nil {
			return nil, err
		}
		ends, err := admin.ListEndOffsets(ctx, topic)
		if err != nil {
			return nil, err
		}
		s, _ := stable.Lookup(topic, partition)
		e, _ := ends.Lookup(topic, partition)
		if end = e.Offset; s.Offset == end || ctx.Err() != nil {
			break // else a transaction that was cut short has not been ended yet
		}
	}
	at := map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}
	client, err := kgo.NewClient(append(slices.Clone(opts), kgo.ConsumePartitions(at), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var all []depot.Record
	for last := int64(-1); last < end-1; {
		fetches := client.PollFetches(ctx)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			last = r.Offset
			if r.Attrs.IsControl() {
				return
			}
			record := depot.Record{Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				record.Headers = append(record.Headers, depot.Header{Key: h.Key, Value: h.Value})
			}
			all = append(all, record)
		})
	}
	return all, nil
}

// recreate deletes a topic and makes it again as it was.
func recreate(ctx context.Context, admin *kadm.Client, topic string) error {
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return err
	}
	described, err := admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return err
	}
	configs := map[string]*string{}
	for _, d := range described {
		for _, c := range d.Configs {
			switch c.Key {
			case "message.timestamp.type", "retention.ms", "cleanup.policy", "max.message.bytes":
				configs[c.Key] = c.Value
			}
		}
	}
	if _, err := admin.DeleteTopic(ctx, topic); err != nil {
		return err
	}
	// The deletion spreads among the brokers; until then the name is taken.
	for {
		_, err = admin.CreateTopic(ctx, int32(len(details[topic].Partitions)), -1, configs, topic)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}
