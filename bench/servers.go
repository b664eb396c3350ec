package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
)

// tasks is the number of tasks, and of partitions.
const tasks = 4

// servers are the connections of both subjects.
type servers struct {
	options options
	log     *kafkadepot.Log
	store   *redisstate.Store
	redis   *redis.Client
	kafka   *kgo.Client
	use     *roundUse // of what runs, if that is to be known
	reading *reading  // beside what runs, if somebody reads
	asked   requests
}

// requests counts what brokers are asked for: appends and reads, each of a batch.
type requests struct{ produces, fetches atomic.Int64 }

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (r *requests) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, _ kgo.BrokerE2E) {
	switch key {
	case kmsg.Produce.Int16():
		r.produces.Add(1)
	case kmsg.Fetch.Int16():
		r.fetches.Add(1)
	}
}

func connect(ctx context.Context, o options) (*servers, error) {
	s := &servers{options: o}
	var err error
	if s.log, err = kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{o.kafka}, Hooks: []kgo.Hook{&s.asked}}); err != nil {
		return nil, err
	}
	if err := s.log.Check(ctx); err != nil {
		return nil, err
	}
	if s.store, err = redisstate.Open(ctx, redisstate.Config{Addresses: []string{o.redis}}); err != nil {
		return nil, err
	}
	s.redis = redis.NewClient(&redis.Options{Addr: o.redis, Protocol: 2})
	s.kafka, err = kgo.NewClient(kgo.SeedBrokers(o.kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(1<<20)) // as large as a broker takes by itself
	return s, err
}

func (s *servers) close() {
	_ = s.log.Close()
	_ = s.store.Close()
	_ = s.redis.Close()
	s.kafka.Close()
}

// wipe deletes the state of a module, but for some keys, so that it begins anew.
func (s *servers) wipe(ctx context.Context, module string, but ...string) error {
	iter := s.redis.Scan(ctx, 0, "{"+module+".*", 1000).Iterator()
	var keys []string
	for iter.Next(ctx) {
		if !slices.Contains(but, iter.Val()) {
			keys = append(keys, iter.Val())
		}
	}
	if err := iter.Err(); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	return s.redis.Unlink(ctx, keys...).Err()
}

// afresh has a module begin anew: its slots are emptied, and that they had data is
// forgotten, as 'coppice tasks rebuild' does. Some keys may stay.
func (s *servers) afresh(ctx context.Context, module string, tasks int, but ...string) error {
	if err := s.wipe(ctx, module, but...); err != nil {
		return err
	}
	for i := range tasks {
		if err := s.log.PutMeta(ctx, module, fmt.Sprintf("data/%d", i), nil); err != nil {
			return err
		}
	}
	return nil
}

// settleEvery is how often Redis is asked whether it is busy with its file.
const settleEvery = 200 * time.Millisecond

// settled waits until Redis has no work left with what it was given: much at once has it
// write its file anew.
func (s *servers) settled(ctx context.Context) error {
	for {
		info, err := s.redis.InfoMap(ctx, "persistence").Result()
		if err != nil {
			return err
		}
		p := info["Persistence"]
		if p["aof_rewrite_in_progress"] == "0" && p["aof_rewrite_scheduled"] == "0" && p["aof_pending_bio_fsync"] == "0" {
			return nil
		}
		select {
		case <-time.After(settleEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func moduleName(prefix string) string {
	return prefix + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// dropTopics deletes what a run left in Kafka.
func (s *servers) dropTopics(ctx context.Context, topics ...string) {
	admin := kadm.NewClient(s.kafka)
	if _, err := admin.DeleteTopics(ctx, topics...); err != nil {
		fmt.Println("bench: topics stay:", err)
	}
}
