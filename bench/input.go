package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/task"
)

// input is a topic that is there before anybody runs, and the plain fold of what it holds.
type input struct {
	module, depot string
	topic         string
	records       int
	bytes         int // of keys and values
	events        int // that are counted
	tasks         int
	fold          map[string]int64
}

// generator makes the next record, and says what is to be counted of it. A record without
// a key goes to the partitions in turn.
type generator func() (key, value []byte, counted []string)

// keysOf makes records of 100 bytes with keys drawn from so many.
func keysOf(keys int) generator {
	random := rand.New(rand.NewPCG(3, 4))
	padding := strings.Repeat("x", 100-keyBytes)
	return func() (key, value []byte, counted []string) {
		k := keyName(random.IntN(keys))
		return []byte(k), []byte(k + padding), []string{k}
	}
}

// distinctKeys makes records of 100 bytes, each with a key of its own.
func distinctKeys() generator {
	padding, next := strings.Repeat("x", 100-keyBytes), 0
	return func() (key, value []byte, counted []string) {
		k := keyName(next)
		next++
		return []byte(k), []byte(k + padding), []string{k}
	}
}

// letters makes so many letters, of which no part compresses well, nor do several parts in one batch.
func letters(random *rand.Rand, n int) string {
	all := make([]byte, n)
	for i := range all {
		all[i] = 'a' + byte(random.IntN(26))
	}
	return string(all)
}

func keyName(i int) string { return fmt.Sprintf("key-%0*d", keyBytes-4, i) }

// sentencesOf makes sentences of so many words, Zipf-distributed over 50,000.
func sentencesOf(length int) generator {
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, 50_000-1)
	return func() (key, value []byte, counted []string) {
		words := make([]string, length)
		for i := range words {
			words[i] = "w" + strconv.FormatUint(zipf.Uint64(), 10)
		}
		return nil, []byte(strings.Join(words, " ")), words
	}
}

// fill makes the topic of a module's depot and writes so many records.
func (s *servers) fill(ctx context.Context, module, name string, partitions, records int, next generator) (*input, error) {
	in := &input{module: module, depot: name, topic: depot.TopicName(module, name), tasks: partitions, fold: map[string]int64{}}
	if _, err := s.log.Ensure(ctx, depot.TopicSpec{Module: module, Depot: name, Partitions: partitions}); err != nil {
		return nil, err
	}
	return in, s.more(ctx, in, records, next)
}

// fillAhead is how many bytes wait for the broker at most while a topic is filled: of large
// records the producer would hold thousands.
const fillAhead = 64 << 20

// more writes so many more records into the topic of an input.
func (s *servers) more(ctx context.Context, in *input, records int, next generator) error {
	var failure atomic.Pointer[error]
	ahead := 0
	for range records {
		key, value, counted := next()
		for _, c := range counted {
			in.fold[c]++
		}
		in.events += len(counted)
		partition := int32(in.records % in.tasks)
		if key != nil {
			partition = int32(task.Of(key, in.tasks))
		}
		in.records++
		in.bytes += len(key) + len(value)
		if ahead += len(key) + len(value); ahead > fillAhead {
			ahead = 0
			if err := s.kafka.Flush(ctx); err != nil {
				return err
			}
		}
		s.kafka.Produce(ctx, &kgo.Record{Topic: in.topic, Partition: partition, Key: key, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				failure.Store(&err)
			}
		})
	}
	if err := s.kafka.Flush(ctx); err != nil {
		return err
	}
	if err := failure.Load(); err != nil {
		return *err
	}
	return nil
}

// drop deletes the topics of an input and the state of its module.
func (s *servers) drop(ctx context.Context, in *input) {
	ctx = context.WithoutCancel(ctx)
	s.dropTopics(ctx, in.topic, depot.TopicName(in.module, "__meta"))
	_ = s.wipe(ctx, in.module)
}

// checked says what check has compared.
func (in *input) checked() string {
	return fmt.Sprintf("the final counts of each round equal the fold of the input (%d keys, %d events)", len(in.fold), in.events)
}

// check voids a round whose counts are not the fold of the input.
func (in *input) check(counts map[string]int64) error {
	if len(counts) != len(in.fold) {
		return fmt.Errorf("%d keys were counted, the input has %d", len(counts), len(in.fold))
	}
	for k, want := range in.fold {
		if counts[k] != want {
			return fmt.Errorf("%s was counted %d times, the input has it %d times", k, counts[k], want)
		}
	}
	return nil
}

// checkLeast voids a round in which a count is below the fold of the input, or of a key that the
// input does not have. It says how many events were counted that are not in the fold: those that
// were tried again.
func (in *input) checkLeast(counts map[string]int64) (again int64, err error) {
	for k, want := range in.fold {
		if counts[k] < want {
			return 0, fmt.Errorf("%s was counted %d times, the input has it %d times: fewer than at least once", k, counts[k], want)
		}
	}
	for k, n := range counts {
		if _, ok := in.fold[k]; !ok {
			return 0, fmt.Errorf("%s was counted %d times, the input does not have it", k, n)
		}
		again += n - in.fold[k]
	}
	return again, nil
}

// addCounts adds a hash of counts to a fold.
func addCounts(ctx context.Context, client *redis.Client, table string, counts map[string]int64) error {
	var cursor uint64
	for {
		fields, next, err := client.HScan(ctx, table, cursor, "", 10_000).Result()
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(fields); i += 2 {
			n, err := strconv.ParseInt(fields[i+1], 10, 64)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", fields[i], table, err)
			}
			counts[fields[i]] = n // HSCAN may give a field twice
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
