package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// asking counts records by key and returns the count to the appender: at the root, or
// exactly once behind two hops.
type asking struct {
	name   string
	hops   bool
	Clicks module.Depot[string]
	Counts pstate.Map[string, int64]
	Count  module.Ack[int64]

	middle, last module.Step[string]
}

func (m *asking) ModuleName() string { return m.name }

func (m *asking) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(v string) string { return v }, module.Text())
	var options []module.StreamOption
	if m.hops {
		options = append(options, module.ExactlyOnce())
	}
	s := b.Stream("count", options...)
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Count, agg.Last[int64]())
	if m.hops {
		m.defineHops(s)
		return
	}
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		m.Count.Return(ev, agg.Inc(ev, m.Counts.Key(v)))
		return nil
	})
}

// defineHops counts on the task behind the record's, after a hop to the one behind
// that: the record crosses three of the tasks.
func (m *asking) defineHops(s *module.Stream) {
	module.DeclareStep(s, &m.middle, "middle", module.ByHash(func(v string) string { return v }), func(ev *module.Event, v string) error {
		m.last.SendTo(ev, (ev.Task()+1)%tasks, v)
		return nil
	})
	module.DeclareStep(s, &m.last, "last", module.Stay[string](), func(ev *module.Event, v string) error {
		m.Count.Return(ev, agg.Inc(ev, m.Counts.Key(v)))
		return nil
	})
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		m.middle.SendTo(ev, (ev.Task()+1)%tasks, v)
		return nil
	})
}

// exactAckWorkload measures an append of a module that is exactly once over two hops,
// against the same floor: one produce, fetch and transaction.
func exactAckWorkload(ctx context.Context, s *servers, o options, r *report) error {
	p50, p99 := r.figure("exact-ack", "ms p50", true), r.figure("exact-ack-p99", "ms p99", true)
	rate := r.figure("exact-acks", "acks/s", false)
	for range o.rounds {
		if err := ackRound(ctx, s, o, 1, true, p50, p99, rate); err != nil {
			return fmt.Errorf("exactly-once ack: %w", err)
		}
	}
	return nil
}

// ackWorkload measures how long an append waits for its answer, with one and with
// 64 appenders. The floor produces, consumes, commits and wakes the appender in
// one process, with nothing in between; ours runs client and worker in one
// process, too.
func ackWorkload(ctx context.Context, s *servers, o options, r *report) error {
	for _, appenders := range []int{1, 64} {
		suffix := ""
		if appenders > 1 {
			suffix = "-" + strconv.Itoa(appenders)
		}
		p50, p99 := r.figure("ack"+suffix, "ms p50", true, goal{"floor", 1.4}), r.figure("ack-p99"+suffix, "ms p99", true, goal{"floor", 2})
		rate := r.figure("acks"+suffix, "acks/s", false, goal{"floor", 0.8})
		for range o.rounds {
			if err := ackRound(ctx, s, o, appenders, false, p50, p99, rate); err != nil {
				return fmt.Errorf("ack, %d appenders: %w", appenders, err)
			}
		}
	}
	return nil
}

// acked is the subject of a profile of appends, ours or the floor's. A round holds starting and
// ending the worker, so it has to have many appends.
func (s *servers) acked(o options, name string) (*input, subject) {
	run, appenders := floorAcked, 1
	if strings.HasPrefix(name, "ack") {
		run = func(ctx context.Context, s *servers, appenders, each int) ([]time.Duration, time.Duration, error) {
			return oursAcked(ctx, s, false, appenders, each)
		}
	}
	if strings.HasSuffix(name, "-64") {
		appenders = 64
	}
	in := &input{events: max(o.acks/appenders*4, 50) * appenders}
	return in, subject{name: name, run: func(ctx context.Context, in *input) (time.Duration, error) {
		_, took, err := run(ctx, s, appenders, in.events/appenders)
		return took, err
	}}
}

func ackRound(ctx context.Context, s *servers, o options, appenders int, hops bool, p50, p99, rate *figure) error {
	each := max(o.acks/appenders*4, 50)
	if appenders == 1 {
		each = o.acks
	}
	samples, took, err := oursAcked(ctx, s, hops, appenders, each)
	if err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	note := func(subject string, samples []time.Duration, took time.Duration) {
		p50.add(subject, quantile(samples, 0.5))
		p99.add(subject, quantile(samples, 0.99))
		rate.add(subject, float64(len(samples))/took.Seconds())
	}
	note(ours, samples, took)
	samples, took, err = floorAcked(ctx, s, appenders, each)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	note("floor", samples, took)
	return nil
}

func quantile(samples []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}

// drive has so many appenders append one after another and collects latencies.
func drive(appenders, each int, appendOne func(appender, i int) error) (samples []time.Duration, took time.Duration, err error) {
	all := make([][]time.Duration, appenders)
	errs := make([]error, appenders)
	begin := time.Now()
	var group sync.WaitGroup
	for a := range appenders {
		group.Go(func() {
			for i := range each {
				t, err := timed(func() error { return appendOne(a, i) })
				if err != nil {
					errs[a] = err
					return
				}
				all[a] = append(all[a], t)
			}
		})
	}
	group.Wait()
	took = time.Since(begin)
	for a := range all {
		if errs[a] != nil {
			return nil, 0, errs[a]
		}
		samples = append(samples, all[a]...)
	}
	return samples, took, nil
}

func oursAcked(ctx context.Context, s *servers, hops bool, appenders, each int) ([]time.Duration, time.Duration, error) {
	m := &asking{name: moduleName("BenchAck"), hops: hops}
	network := memtransport.New()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	w, err := worker.Start(ctx, worker.Config{Log: s.log, Store: s.store, Network: network, Tasks: tasks, Logger: quiet}, m)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		_ = w.Stop(context.WithoutCancel(ctx))
		_ = s.wipe(context.WithoutCancel(ctx), m.name)
		s.dropTopics(context.WithoutCancel(ctx), depot.TopicName(m.name, "clicks"), depot.TopicName(m.name, "__meta"))
	}()
	c, err := client.New(client.Config{Log: s.log, Store: s.store, Network: network})
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	if err := c.Use(ctx, m); err != nil {
		return nil, 0, err
	}
	one := func(a, i int) error {
		acks, err := m.Clicks.Append(ctx, c, fmt.Sprintf("key-%d", a))
		if err != nil {
			return err
		}
		if n, ok := m.Count.From(acks); !ok || n != int64(i)+1 {
			return fmt.Errorf("appender %d, append %d: the count is %d", a, i, n)
		}
		return nil
	}
	for a := range appenders { // every appender's key and connection once, outside the measurement
		if _, err := m.Clicks.Append(ctx, c, fmt.Sprintf("warm-%d", a)); err != nil {
			return nil, 0, err
		}
	}
	return drive(appenders, each, one)
}

// floorAcked is the least that an acked append needs: a produce, a fetch, a
// transaction, and a wake-up.
func floorAcked(ctx context.Context, s *servers, appenders, each int) ([]time.Duration, time.Duration, error) {
	name := moduleName("BenchFloor")
	topic := depot.TopicName(name, "clicks")
	if _, err := s.log.Ensure(ctx, depot.TopicSpec{Module: name, Depot: "clicks", Partitions: tasks}); err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	producer, err := kgo.NewClient(kgo.SeedBrokers(s.options.kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.WithHooks(&s.asked))
	if err != nil {
		return nil, 0, err
	}
	defer producer.Close()
	offsets := map[int32]kgo.Offset{}
	for p := range int32(tasks) {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.options.kafka), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}), kgo.WithHooks(&s.asked))
	if err != nil {
		return nil, 0, err
	}
	f := &floor{s: s, waiters: map[string]chan struct{}{}}
	var group sync.WaitGroup
	group.Go(func() { f.run(ctx, reader) })
	defer func() {
		cancel()
		group.Wait()
		reader.Close()
		_ = s.wipe(context.WithoutCancel(ctx), "BenchFloor")
		s.dropTopics(context.WithoutCancel(ctx), topic)
	}()
	one := func(a, i int) error {
		value := fmt.Sprintf("%d/%d", a, i)
		done := f.await(value)
		r := &kgo.Record{Topic: topic, Partition: int32(a % tasks), Key: fmt.Appendf(nil, "key-%d", a), Value: []byte(value)}
		if err := producer.ProduceSync(ctx, r).FirstErr(); err != nil {
			return err
		}
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for a := range appenders {
		if err := one(a, -1); err != nil {
			return nil, 0, err
		}
	}
	return drive(appenders, each, one)
}

type floor struct {
	s       *servers
	mu      sync.Mutex
	waiters map[string]chan struct{}
}

func (f *floor) await(value string) <-chan struct{} {
	ch := make(chan struct{})
	f.mu.Lock()
	f.waiters[value] = ch
	f.mu.Unlock()
	return ch
}

func (f *floor) run(ctx context.Context, reader *kgo.Client) {
	var conns [tasks]*redis.Conn
	for p := range conns {
		conns[p] = f.s.redis.Conn()
		defer conns[p].Close()
	}
	counts := map[string]int64{}
	for ctx.Err() == nil {
		reader.PollFetches(ctx).EachPartition(func(p kgo.FetchTopicPartition) {
			args := []any{"HSET", fmt.Sprintf("{BenchFloor.%d}counts", p.Partition)}
			for _, r := range p.Records {
				counts[string(r.Key)]++
				args = append(args, r.Key, counts[string(r.Key)])
			}
			if len(p.Records) == 0 {
				return
			}
			pipe := conns[p.Partition].Pipeline()
			pipe.Do(ctx, "MULTI")
			pipe.Do(ctx, args...)
			pipe.Do(ctx, "HSET", fmt.Sprintf("{BenchFloor.%d}progress", p.Partition), "offset", p.Records[len(p.Records)-1].Offset)
			pipe.Do(ctx, "EXEC")
			pipe.Do(ctx, "WATCH", fmt.Sprintf("{BenchFloor.%d}head", p.Partition))
			if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil {
				return
			}
			f.mu.Lock()
			for _, r := range p.Records {
				if ch := f.waiters[string(r.Value)]; ch != nil {
					delete(f.waiters, string(r.Value))
					close(ch)
				}
			}
			f.mu.Unlock()
		})
	}
}
