package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

// batchDefault is the most events of one transaction, for both subjects: the engine's default.
const batchDefault = 2000

// item is one event of the hand-written loop.
type item struct {
	key    string
	offset int64
}

// hand is the loop written by hand: one goroutine reads and deals, one per
// partition counts in a map and commits counts and offset together.
type hand struct {
	s      *servers
	topic  string
	words  bool
	batch  int // events of a transaction at most
	queues [tasks]chan []item
	left   atomic.Int64  // events to go
	done   chan struct{} // closed when there are none
}

// handOf is the loop over a topic.
func (s *servers) handOf(topic string, words bool) *hand {
	return &hand{s: s, topic: topic, words: words, batch: s.options.batchMax(), done: make(chan struct{})}
}

// run processes so many events of the topic from its beginning. The first failure ends all of it.
func (h *hand) run(ctx context.Context, events int) error {
	offsets := map[int32]kgo.Offset{}
	for p := range int32(tasks) {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(h.s.options.kafka), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{h.topic: offsets}))
	if err != nil {
		return err
	}
	defer reader.Close()
	h.left.Store(int64(events))
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var counters sync.WaitGroup
	for p := range h.queues {
		h.queues[p] = make(chan []item, 64)
		counters.Go(func() {
			if err := h.count(ctx, p); err != nil {
				fail(err)
			}
		})
	}
	defer counters.Wait()
	defer func() {
		for _, q := range h.queues {
			close(q)
		}
	}()
	for got := 0; got < events && ctx.Err() == nil; {
		fetches := reader.PollFetches(ctx)
		if err := fetchFailure(fetches); err != nil {
			fail(err) // unless a counter has failed before
			break
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if h.words {
				got += h.dealWords(ctx, p)
			} else {
				got += h.dealKeys(ctx, p)
			}
		})
	}
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (h *hand) dealKeys(ctx context.Context, p kgo.FetchTopicPartition) int {
	items := make([]item, len(p.Records))
	for i, r := range p.Records {
		items[i] = item{string(r.Key), r.Offset}
	}
	h.deal(ctx, int(p.Partition), items)
	return len(items)
}

func (h *hand) dealWords(ctx context.Context, p kgo.FetchTopicPartition) (n int) {
	var out [tasks][]item
	for _, r := range p.Records {
		for w := range strings.SplitSeq(string(r.Value), " ") {
			at := fnv(w) % tasks
			out[at] = append(out[at], item{w, r.Offset})
			n++
		}
	}
	for at, items := range out {
		h.deal(ctx, at, items)
	}
	return n
}

// deal gives items to who counts them, a batch of them at a time.
func (h *hand) deal(ctx context.Context, at int, items []item) {
	for len(items) > 0 {
		n := min(len(items), h.batch)
		select {
		case h.queues[at] <- items[:n:n]:
		case <-ctx.Done():
			return
		}
		items = items[n:]
	}
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

// next is the next batch: what waits, up to the bound, and what is left for the one after.
func (h *hand) next(p int, before []item) (todo, rest []item) {
	todo = before
	if len(todo) == 0 {
		todo = <-h.queues[p] // none when the queue is closed
	}
	for len(todo) > 0 && len(todo) < h.batch {
		select {
		case more := <-h.queues[p]:
			if len(more) == 0 {
				return todo, nil
			}
			n := min(len(more), h.batch-len(todo))
			todo, rest = append(todo, more[:n]...), more[n:]
		default:
			return todo, nil
		}
	}
	return todo, rest
}

// count is the loop of one partition.
func (h *hand) count(ctx context.Context, p int) error {
	conn := h.s.redis.Conn()
	defer conn.Close()
	counts, dirty := map[string]int64{}, map[string]struct{}{}
	table, progress := handKeys(p)
	for todo, rest := h.next(p, nil); len(todo) > 0; todo, rest = h.next(p, rest) {
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
			return fmt.Errorf("transaction of partition %d: %v", p, err)
		}
		if h.left.Add(-int64(len(todo))) == 0 {
			close(h.done)
		}
	}
	return nil
}
