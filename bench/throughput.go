package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	engine "github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// counting counts records by their key; the value is the key and padding.
type counting struct {
	name   string
	Clicks module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *counting) ModuleName() string { return m.name }

func keyOf(v string) string { return v[:keyBytes] }

const keyBytes = 12

func (m *counting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", keyOf, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(keyOf(v)))
		return nil
	}, module.StartFromBeginning())
}

// wording splits sentences and counts words where they belong.
type wording struct {
	name      string
	options   []module.StreamOption
	micro     bool // a microbatch topology instead of a stream
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int64]

	count module.Step[string]
}

func (m *wording) ModuleName() string { return m.name }

func (m *wording) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences", module.Text())
	var s interface {
		module.Topology
		PState(h pstate.Schema, name string, options ...pstate.Option)
	}
	if m.micro {
		s = b.Microbatch("words")
	} else {
		s = b.Stream("words", m.options...)
	}
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), func(ev *module.Event, w string) error {
		agg.Inc(ev, m.Counts.Key(w))
		return nil
	})
	module.DeclareSource(s, m.Sentences, func(ev *module.Event, v string) error {
		for w := range strings.SplitSeq(v, " ") {
			m.count.Send(ev, w)
		}
		return nil
	}, module.StartFromBeginning())
}

// throughput is a workload that processes a topic from its beginning.
type throughput struct {
	name   string
	module string
	depot  string
	define func() module.Module
	// peer is another module that reads the same depot; nil: the loop written by hand.
	peer     func() module.Module
	peerName string
	load     func(r *rand.Rand) (key, value []byte, counted []string)
	size     int
	events   int // per record
	words    bool
}

func countWorkload(ctx context.Context, s *servers, o options, r *report) error {
	name := moduleName("BenchCount")
	padding := strings.Repeat("x", 100-keyBytes)
	return throughput{
		name: "count", module: name, depot: "clicks", size: o.count, events: 1,
		define: func() module.Module { return &counting{name: name} },
		load: func(r *rand.Rand) (key, value []byte, counted []string) {
			k := fmt.Sprintf("key-%0*d", keyBytes-4, r.IntN(100_000))
			return []byte(k), []byte(k + padding), []string{k}
		},
	}.run(ctx, s, o, r)
}

func wordsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	w := wordsOf("words", moduleName("BenchWords"), o)
	return w.run(ctx, s, o, r)
}

// exactlyOnceWorkload compares the same topology, exactly once and at least once.
func exactlyOnceWorkload(ctx context.Context, s *servers, o options, r *report) error {
	w := wordsOf("exactly-once", moduleName("BenchExact"), o)
	w.peer, w.peerName = w.define, "at-least-once"
	w.define = func() module.Module {
		return &wording{name: w.module, options: []module.StreamOption{module.ExactlyOnce()}}
	}
	return w.run(ctx, s, o, r)
}

func wordsOf(workload, name string, o options) throughput {
	random := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(random, 1.1, 1, 50_000-1)
	return throughput{
		name: workload, module: name, depot: "sentences", size: o.words, events: 10, words: true,
		define: func() module.Module { return &wording{name: name} },
		load: func(*rand.Rand) (key, value []byte, counted []string) {
			words := make([]string, 10)
			for i := range words {
				words[i] = "w" + strconv.FormatUint(zipf.Uint64(), 10)
			}
			return nil, []byte(strings.Join(words, " ")), words
		},
	}
}

func moduleName(prefix string) string {
	return prefix + strconv.FormatInt(time.Now().UnixNano(), 36)
}

func (w throughput) run(ctx context.Context, s *servers, o options, r *report) error {
	topic := depot.TopicName(w.module, w.depot)
	defer s.dropTopics(context.WithoutCancel(ctx), topic, depot.TopicName(w.module, "__meta"))
	fold, err := w.fill(ctx, s, topic)
	if err != nil {
		return fmt.Errorf("%s: filling the topic: %w", w.name, err)
	}
	peer := "handrolled"
	if w.peer != nil {
		peer = w.peerName
	}
	figure := r.figure(w.name, peer, "events/s", false)
	events := w.size * w.events
	for range o.rounds {
		took, err := w.ours(ctx, s, w.define(), fold, events)
		if err != nil {
			return fmt.Errorf("%s, ours: %w", w.name, err)
		}
		figure.Ours = append(figure.Ours, float64(events)/took.Seconds())
		if w.peer != nil {
			took, err = w.ours(ctx, s, w.peer(), fold, events)
		} else {
			took, err = w.byHand(ctx, s, topic, fold, events)
		}
		if err != nil {
			return fmt.Errorf("%s, %s: %w", w.name, peer, err)
		}
		figure.Theirs = append(figure.Theirs, float64(events)/took.Seconds())
	}
	return nil
}

// fill writes the topic and returns the fold of what it holds.
func (w throughput) fill(ctx context.Context, s *servers, topic string) (map[string]int64, error) {
	if _, err := s.log.Ensure(ctx, depot.TopicSpec{Module: w.module, Depot: w.depot, Partitions: tasks}); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(3, 4))
	fold := map[string]int64{}
	var failure atomic.Pointer[error]
	for i := range w.size {
		key, value, counted := w.load(random)
		for _, c := range counted {
			fold[c]++
		}
		partition := int32(i % tasks)
		if key != nil {
			partition = int32(task.Of(key, tasks))
		}
		s.kafka.Produce(ctx, &kgo.Record{Topic: topic, Partition: partition, Key: key, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				failure.Store(&err)
			}
		})
	}
	if err := s.kafka.Flush(ctx); err != nil {
		return nil, err
	}
	if err := failure.Load(); err != nil {
		return nil, *err
	}
	return fold, nil
}

// ours runs the module from the beginning of the topic until every event is
// committed.
func (w throughput) ours(ctx context.Context, s *servers, m module.Module, fold map[string]int64, events int) (time.Duration, error) {
	if err := s.afresh(ctx, w.module); err != nil {
		return 0, err
	}
	var committed atomic.Int64
	done := make(chan struct{})
	goal := int64(w.size)
	if w.words {
		goal += int64(events)
	}
	config := worker.Config{
		Log: s.log, Store: s.store, Network: memtransport.New(), Tasks: tasks, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Listener: &engine.Listener{BatchCommitted: func(i engine.BatchInfo) {
			if n := committed.Add(int64(i.Events)); n >= goal && n-int64(i.Events) < goal {
				close(done)
			}
		}},
	}
	words, ok := m.(*wording)
	micro := ok && words.micro
	var running *worker.Worker
	took, err := timed(func() error {
		var err error
		if running, err = worker.Start(ctx, config, m); err != nil {
			return err
		}
		if micro {
			return w.applied(ctx, s, config.Network, m)
		}
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if running != nil {
		if err := running.Stop(ctx); err != nil {
			return 0, err
		}
	}
	if err != nil {
		return 0, err
	}
	counts := map[string]int64{}
	for i := range tasks {
		table := "{" + task.Tag(w.module, task.ID(i), tasks) + "}:p:counts"
		if err := addCounts(ctx, s.redis, table, counts); err != nil {
			return 0, err
		}
	}
	return took, compare(counts, fold)
}

func (w throughput) byHand(ctx context.Context, s *servers, topic string, fold map[string]int64, events int) (time.Duration, error) {
	if err := s.wipe(ctx, "BenchHand"); err != nil {
		return 0, err
	}
	took, err := timed(func() error { return (&hand{s: s, topic: topic, words: w.words}).run(ctx, events) })
	if err != nil {
		return 0, err
	}
	counts := map[string]int64{}
	for p := range tasks {
		table, _ := handKeys(p)
		if err := addCounts(ctx, s.redis, table, counts); err != nil {
			return 0, err
		}
	}
	return took, compare(counts, fold)
}

// addCounts adds a hash of counts to a fold.
func addCounts(ctx context.Context, client *redis.Client, table string, counts map[string]int64) error {
	fields, err := client.HGetAll(ctx, table).Result()
	if err != nil {
		return err
	}
	for k, v := range fields {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", k, table, err)
		}
		counts[k] += n
	}
	return nil
}

// compare voids a run whose counts are not the fold of the input.
func compare(counts, fold map[string]int64) error {
	if len(counts) != len(fold) {
		return fmt.Errorf("%d keys were counted, the input has %d", len(counts), len(fold))
	}
	for k, want := range fold {
		if counts[k] != want {
			return fmt.Errorf("%s was counted %d times, the input has it %d times", k, counts[k], want)
		}
	}
	return nil
}
