package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// counting counts records by their key.
type counting struct {
	name   string
	Clicks module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *counting) ModuleName() string { return m.name }

const keyBytes = 12

func keyOf(v string) string { return v[:keyBytes] }

func (m *counting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", keyOf, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(keyOf(v)))
		return nil
	}, module.StartFromBeginning())
}

const tasks = 4

// input is a topic that is filled once and counted again and again, with connections of its own
// that have no telemetry.
type input struct {
	options options
	module  string
	want    map[string]int64 // how often some of the keys are in it
	log     *kafkadepot.Log
	state   *redisstate.Store
	client  *client.Client
	kafka   *kgo.Client
	redis   *redis.Client
}

// fill makes the topic of a new module, and its records.
func fill(ctx context.Context, o options) (in *input, err error) {
	in = &input{options: o, module: "Overhead-" + uuid.NewString()[:8], want: map[string]int64{}}
	defer func() {
		if err != nil {
			in.drop(ctx)
		}
	}()
	if in.log, err = kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{o.kafka}}); err != nil {
		return in, err
	}
	if in.state, err = redisstate.Open(ctx, redisstate.Config{Addresses: []string{o.redis}}); err != nil {
		return in, err
	}
	if in.client, err = client.New(client.Config{Log: in.log, Store: in.state, Network: memtransport.New()}); err != nil {
		return in, err
	}
	if in.kafka, err = kgo.NewClient(kgo.SeedBrokers(o.kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond)); err != nil {
		return in, err
	}
	in.redis = redis.NewClient(&redis.Options{Addr: o.redis, Protocol: 2})
	topic, err := in.log.Ensure(ctx, depot.TopicSpec{Module: in.module, Depot: "clicks", Partitions: tasks})
	if err != nil {
		return in, err
	}
	return in, in.produce(ctx, topic.Name)
}

func (in *input) produce(ctx context.Context, topic string) error {
	r := rand.New(rand.NewPCG(1, 2))
	padding := strings.Repeat("x", 100-keyBytes)
	var failed error
	for range in.options.records {
		n := r.IntN(100_000)
		key := fmt.Sprintf("key-%0*d", keyBytes-4, n)
		if n < 100 {
			in.want[key]++
		}
		in.kafka.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(task.Of([]byte(key), tasks)), Key: []byte(key), Value: []byte(key + padding)}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	return errors.Join(in.kafka.Flush(ctx), failed)
}

// afresh has the module begin anew, as the next run finds it: its slots are emptied, and that
// they had data is forgotten. RebuildTask fails where a slot has progress left, so no run begins
// behind the topic's beginning.
func (in *input) afresh(ctx context.Context) error {
	if err := in.wipe(ctx); err != nil {
		return err
	}
	for i := range tasks {
		if err := in.client.RebuildTask(ctx, in.module, task.ID(i)); err != nil {
			return err
		}
	}
	return in.rewrite(ctx)
}

// wipe deletes the module's state.
func (in *input) wipe(ctx context.Context) error {
	iter := in.redis.Scan(ctx, 0, "{"+in.module+".*", 1000).Iterator()
	var keys []string
	for iter.Next(ctx) {
		keys = append(keys, iter.Val())
	}
	if err := iter.Err(); err != nil || len(keys) == 0 {
		return err
	}
	return in.redis.Unlink(ctx, keys...).Err()
}

// rewrite has Redis write its file anew, if it keeps one, and waits for it: else it would do so
// during some of the runs, for those before them.
func (in *input) rewrite(ctx context.Context) error {
	for asked := false; ; {
		info, err := in.redis.InfoMap(ctx, "persistence").Result()
		if err != nil {
			return err
		}
		p := info["Persistence"]
		if p["aof_enabled"] != "1" {
			return nil
		}
		if p["aof_rewrite_in_progress"] == "0" && p["aof_rewrite_scheduled"] == "0" && p["aof_pending_bio_fsync"] == "0" {
			if asked {
				return nil
			}
			if asked = true; in.redis.BgRewriteAOF(ctx).Err() != nil {
				return nil // a Redis that does not let us is measured as it is
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// drop deletes the topics and the state, as far as there are any, and ends the connections.
func (in *input) drop(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if in.redis != nil {
		_ = in.wipe(ctx)
		_ = in.redis.Close()
	}
	if in.kafka != nil {
		_, _ = kadm.NewClient(in.kafka).DeleteTopics(ctx, depot.TopicName(in.module, "clicks"), depot.TopicName(in.module, "__meta"))
		in.kafka.Close()
	}
	if in.client != nil {
		_ = in.client.Close()
	}
	if in.state != nil {
		_ = in.state.Close()
	}
	if in.log != nil {
		_ = in.log.Close()
	}
}
