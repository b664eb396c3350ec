// Command overhead measures what telemetry costs: it counts records by key, on real servers,
// in alternating rounds with and without it, and prints the ratios. With it means as package
// export wires it: one record in so many followed with all its spans, sent to a collector
// in this process that throws them away, metrics collected every second, kotel and redisotel. Without
// it the worker keeps no event trees either. Each round is checked against a plain count.
//
// With -each it measures each part of telemetry by itself, too; with a lower -sample what a sampled
// record costs stands out from the noise.
//
// Only ratios of one run mean anything: machines differ, and so do their moods. It fails if the
// median ratio is below -least.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

type options struct {
	kafka, redis string
	rounds       int
	records      int
	sample       int
	least        float64
	parts        string
	each         bool
	profiles     string
}

func main() {
	var o options
	flag.StringVar(&o.kafka, "kafka", "127.0.0.1:19092", "Kafka broker")
	flag.StringVar(&o.redis, "redis", "127.0.0.1:16379", "Redis server")
	flag.IntVar(&o.rounds, "rounds", 9, "rounds of each subject")
	flag.IntVar(&o.records, "records", 6_000_000, "records of a round: some seconds of work, so that moments weigh little")
	flag.IntVar(&o.sample, "sample", 1000, "of how many records one has spans")
	flag.Float64Var(&o.least, "least", 0.97, "the ratio that the median has to reach")
	flag.StringVar(&o.parts, "parts", everything, "what telemetry is made of here")
	flag.BoolVar(&o.each, "each", false, "measure each of the parts by itself, too")
	flag.StringVar(&o.profiles, "profiles", "", "a folder for where CPU time and memory of the last round go, with and without telemetry (go tool pprof)")
	flag.Parse()
	if o.rounds < 1 || o.records < 1 {
		fmt.Fprintln(os.Stderr, "overhead: -rounds and -records are 1 at least")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.Close()
	begin := time.Now()
	subjects, err := o.subjects()
	if err != nil {
		return err
	}
	used := make([][]usage, len(subjects))
	var ratios []float64
	last := len(subjects) - 1
	warm := o // the first round, which is not counted
	warm.records = max(o.records/8, 1)
	for round := range o.rounds + 1 {
		of := o
		if round == 0 {
			of = warm
		}
		took := make([]usage, len(subjects))
		for n := range subjects {
			at := (n + round) % len(subjects) // each goes first in turn
			if took[at], err = measure(ctx, of, subjects[at], "http://"+sink.Addr().String()); err != nil {
				return err
			}
		}
		if round == 0 {
			continue
		}
		for n, s := range subjects {
			fmt.Fprintf(out, "round %d, %s: %.0f/s, CPU time per record %.0f ns\n", round, s.name, float64(o.records)/took[n].seconds, took[n].nanos/float64(o.records))
			used[n] = append(used[n], took[n])
		}
		ratios = append(ratios, took[0].seconds/took[last].seconds)
	}
	slices.Sort(ratios)
	ratio := ratios[len(ratios)/2]
	fmt.Fprintf(out, "ratio count with/without telemetry, one in %d sampled: %.3f [%.3f..%.3f], in %.0f s\n", o.sample, ratio, ratios[0], ratios[len(ratios)-1], time.Since(begin).Seconds())
	plain, least, most := middle(used[0], func(u usage) float64 { return u.seconds })
	fmt.Fprintf(out, "the rounds without it are within [%.3f..%.3f] of their median: less than that nobody can tell from one round\n", plain/most, plain/least)
	o.report(out, subjects, used)
	if ratio < o.least {
		return fmt.Errorf("the median ratio is %.3f, and is to be %.3f at least", ratio, o.least)
	}
	return nil
}

// newSink is a collector that throws away what it gets.
func newSink() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/x-protobuf")
		}))
	}()
	return l, nil
}

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

// measure counts the records of a new topic, and returns how many seconds that took from the
// moment on at which the first task runs, and what it took of the process from a moment before.
func measure(ctx context.Context, o options, s subject, collector string) (took usage, err error) {
	m := &counting{name: "Overhead-" + uuid.NewString()[:8]}
	kafka, redis := kafkadepot.Config{Brokers: []string{o.kafka}}, redisstate.Config{Addresses: []string{o.redis}}
	config := worker.Config{Network: memtransport.New(), Tasks: tasks, Logger: slog.New(slog.DiscardHandler)}
	running := make(chan time.Time, 1)
	config.Listener = &runtime.Listener{Took: func(runtime.TookInfo) {
		select {
		case running <- time.Now():
		default:
		}
	}}
	unwire, err := s.wire(ctx, o, collector, &config, &kafka, &redis)
	if err != nil {
		return took, err
	}
	defer func() { _ = unwire() }()
	log, err := kafkadepot.Open(ctx, kafka)
	if err != nil {
		return took, err
	}
	defer log.Close()
	state, err := redisstate.Open(ctx, redis)
	if err != nil {
		return took, err
	}
	defer state.Close()
	config.Log, config.Store = log, state
	want, err := load(ctx, o, log, m)
	if err != nil {
		return took, err
	}
	stop := func() error { return nil }
	if o.profiles != "" {
		if stop, err = profile(o.profiles, strings.ReplaceAll(s.name, " ", "-")); err != nil {
			return took, err
		}
	}
	goruntime.GC() // what filling the topic left is not the round's
	before, err := used()
	if err != nil {
		return took, err
	}
	w, err := worker.Start(ctx, config, m)
	if err != nil {
		return took, err
	}
	defer w.Stop(context.WithoutCancel(ctx))
	c, err := client.New(client.Config{Log: log, Store: state, Network: config.Network})
	if err != nil {
		return took, err
	}
	defer c.Close()
	if err := c.Use(ctx, m); err != nil {
		return took, err
	}
	if err := caughtUp(ctx, c, m.name); err != nil {
		return took, err
	}
	seconds := time.Since(<-running).Seconds()
	if err := unwire(); err != nil { // what waits to be sent is the round's, too
		return took, err
	}
	after, err := used()
	if err = errors.Join(err, stop()); err != nil {
		return took, err
	}
	took = after.since(before)
	took.seconds = seconds
	for key, n := range want {
		have, err := m.Counts.Key(key).Get(c.At(ctx))
		if err != nil {
			return took, err
		}
		if have != n {
			return took, fmt.Errorf("%s is counted %d times, and came %d times: the round is void", key, have, n)
		}
	}
	return took, nil
}

// caughtUp waits until every record is done and that is stored.
func caughtUp(ctx context.Context, c *client.Client, name string) error {
	for {
		all, err := c.Progress(ctx, name, "count")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(p client.SourceProgress) bool { return !p.Begun || p.Lag > 0 }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// load fills the module's topic, and returns how often some of the keys are in it.
func load(ctx context.Context, o options, log *kafkadepot.Log, m *counting) (map[string]int64, error) {
	topic, err := log.Ensure(ctx, depot.TopicSpec{Module: m.name, Depot: "clicks", Partitions: tasks})
	if err != nil {
		return nil, err
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(o.kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	want := map[string]int64{}
	r := rand.New(rand.NewPCG(1, 2))
	padding := strings.Repeat("x", 100-keyBytes)
	var failed error
	for range o.records {
		n := r.IntN(100_000)
		key := fmt.Sprintf("key-%0*d", keyBytes-4, n)
		if n < 100 {
			want[key]++
		}
		producer.Produce(ctx, &kgo.Record{Topic: topic.Name, Partition: int32(task.Of([]byte(key), tasks)), Key: []byte(key), Value: []byte(key + padding)}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	return want, errors.Join(producer.Flush(ctx), failed)
}
