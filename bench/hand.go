package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

// batchMax is the most events of one transaction, for both subjects.
const batchMax = 2000

// item is one event of the hand-written loop.
type item struct {
	key    string
	offset int64
}

// hand is the loop written by hand: one goroutine reads and deals, one per
// partition counts in a map and commits counts and offset together.
type hand struct {
	s        *servers
	topic    string
	words    bool
	queues   [tasks]chan []item
	counters sync.WaitGroup
	pending  sync.WaitGroup // events to go
	failed   chan error
}

// run processes so many events of the topic from its beginning.
func (h *hand) run(ctx context.Context, events int) error {
	h.failed = make(chan error, tasks+1)
	offsets := map[int32]kgo.Offset{}
	for p := range int32(tasks) {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(h.s.options.kafka), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{h.topic: offsets}))
	if err != nil {
		return err
	}
	defer reader.Close()
	h.pending.Add(events)
	for p := range h.queues {
		h.queues[p] = make(chan []item, 64)
		h.counters.Go(func() { h.count(ctx, p) })
	}
	defer h.counters.Wait()
	defer func() {
		for _, q := range h.queues {
			close(q)
		}
	}()
	for got := 0; got < events; {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if h.words {
				got += h.dealWords(p)
			} else {
				got += h.dealKeys(p)
			}
		})
	}
	h.pending.Wait()
	select {
	case err := <-h.failed:
		return err
	default:
		return nil
	}
}

func (h *hand) dealKeys(p kgo.FetchTopicPartition) int {
	items := make([]item, len(p.Records))
	for i, r := range p.Records {
		items[i] = item{string(r.Key), r.Offset}
	}
	for rest := items; len(rest) > 0; {
		n := min(len(rest), batchMax)
		h.queues[p.Partition] <- rest[:n:n]
		rest = rest[n:]
	}
	return len(items)
}

func (h *hand) dealWords(p kgo.FetchTopicPartition) (n int) {
	var out [tasks][]item
	for _, r := range p.Records {
		for w := range strings.SplitSeq(string(r.Value), " ") {
			at := fnv(w) % tasks
			out[at] = append(out[at], item{w, r.Offset})
			n++
		}
	}
	for at, items := range out {
		for rest := items; len(rest) > 0; {
			k := min(len(rest), batchMax)
			h.queues[at] <- rest[:k:k]
			rest = rest[k:]
		}
	}
	return n
}

func fnv(w string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(w); i++ {
		h = (h ^ uint32(w[i])) * 16777619
	}
	return h
}

func handKeys(p int) (counts, progress string) {
	return fmt.Sprintf("{BenchHand.%d}counts", p), fmt.Sprintf("{BenchHand.%d}progress", p)
}

// count is the loop of one partition.
func (h *hand) count(ctx context.Context, p int) {
	conn := h.s.redis.Conn()
	defer conn.Close()
	counts, dirty := map[string]int64{}, map[string]struct{}{}
	table, progress := handKeys(p)
	for items := range h.queues[p] {
		todo := items
		for drained := false; !drained && len(todo) < batchMax; {
			select {
			case more := <-h.queues[p]:
				todo = append(todo, more...)
			default:
				drained = true
			}
		}
		for _, it := range todo {
			counts[it.key]++
			dirty[it.key] = struct{}{}
		}
		args := make([]any, 0, 2+2*len(dirty))
		args = append(args, "HSET", table)
		for k := range dirty {
			args = append(args, k, strconv.AppendInt(nil, counts[k], 10))
		}
		clear(dirty)
		pipe := conn.Pipeline()
		pipe.Do(ctx, "MULTI")
		pipe.Do(ctx, args...)
		pipe.Do(ctx, "HSET", progress, "offset", todo[len(todo)-1].offset)
		exec := pipe.Do(ctx, "EXEC")
		pipe.Do(ctx, "WATCH", progress+"head")
		if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil || exec.Val() == nil {
			h.failed <- fmt.Errorf("transaction of partition %d: %v", p, err)
		}
		h.pending.Add(-len(todo))
	}
}
