// Command bench measures the engine against the loop that one would write by
// hand, in alternating rounds on the same servers, and prints the ratios. Only
// ratios of one run mean anything: machines differ, and so do their moods.
//
// The loop (hand.go) reads the same topic with the same client library, keeps
// the counts in a map and writes one transaction per batch with the offset; it
// tracks no trees, retries nothing and acknowledges nothing. Both sides commit at
// the same level: applied by Redis, no wait for a disk or a replica. Each result
// is compared with a plain fold of the input; a wrong count voids the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-run/coppice/internal/environment"
)

type options struct {
	kafka, redis string
	rounds       int
	count        int // records of the count workload
	words        int // sentences
	batch        int // events of a transaction
	acks         int // appends per appender
	open         time.Duration
	out          string
	workloads    string
	peers        string
	profile      string
	growth       string
	shared       string
	profiled     string
	document     string
	results      string
	given        string // all that were given, for the report
}

// wants says whether a peer is to run.
func (o options) wants(peer string) bool {
	return slices.Contains(strings.Split(o.peers, ","), peer)
}

// grows says whether the workload growth measures against something.
func (o options) grows(what string) bool {
	return o.growth == "" || slices.Contains(strings.Split(o.growth, ","), what)
}

func main() {
	if what := os.Getenv(childVariable); what != "" {
		if err := beChild(what, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench, process of its own:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.kafka, "kafka", "127.0.0.1:19092", "Kafka broker")
	flag.StringVar(&o.redis, "redis", "127.0.0.1:16379", "Redis server; keys of modules named Bench… are deleted")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each subject")
	flag.IntVar(&o.count, "count", 2_000_000, "records of the count workload")
	flag.IntVar(&o.words, "words", 200_000, "sentences of ten words of the words workload")
	flag.IntVar(&o.batch, "batch", batchDefault, "events of a transaction at most, of the loop and of ours")
	flag.IntVar(&o.acks, "acks", 500, "appends of a round that wait one after another; fairness: of its begin; the ack workload has eight times as many, and 32 times as many of 64 appenders")
	flag.DurationVar(&o.open, "open", 3*time.Second, "how long the workloads ack and fairness have appends come by a schedule, each time")
	flag.StringVar(&o.out, "json", "", "write the figures into this file, too")
	flag.StringVar(&o.workloads, "workloads", "count,memory,words,ack,exactly-once,exact-ack,microbatch,lone,batches", "which workloads to run")
	flag.StringVar(&o.peers, "peers", "streams,flink,storm", "which programs of other engines to run, of those")
	flag.StringVar(&o.growth, "growth", "", "what the workload growth measures against, of tasks, state, stored, trees, values, hotkey, skew and workers; default: all")
	flag.StringVar(&o.shared, "shared", "", "who else uses the machine, for the report")
	flag.StringVar(&o.profiled, "profile", "count", "what the workload profile runs, of count, words, exactly-once, microbatch, and hand: the loop written by hand; ack and ack-64, and floor and floor-64 beside them")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile into this file; it holds both subjects")
	flag.StringVar(&o.document, "document", "", "measure nothing: write the report from the template beside bench and the JSON files of -results into this file, and its curves beside it")
	flag.StringVar(&o.results, "results", "results", "folder of the JSON files that a document is made of")
	flag.Parse()
	o.given = environment.Options(flag.CommandLine, "kafka", "redis", "json", "shared", "cpuprofile", "document", "results")
	if o.document != "" {
		if err := writeDocument(o.document, o.results); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	s, err := connect(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	r := &report{out: out, Environment: environment.On(ctx, s.kafka, s.redis, o.given, o.shared)}
	fmt.Fprintln(out, r.Environment)
	if o.profile != "" {
		file, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	names := strings.Split(o.workloads, ",")
	for _, name := range names {
		if workloads[name] == nil {
			return fmt.Errorf("no workload %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(workloads)), ", "))
		}
	}
	err = r.measure(ctx, s, o, names)
	r.print()
	return err
}

// measure runs workloads. One that fails costs its own figures, not those of the others.
func (r *report) measure(ctx context.Context, s *servers, o options, names []string) error {
	var failures []error
	for _, name := range names {
		failures = append(failures, r.try(ctx, name, func() error { return workloads[name](ctx, s, o, r) }))
		if o.out != "" { // what there is, should the rest be interrupted
			failures = append(failures, r.save(o.out))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failures...)
}

var workloads = map[string]func(context.Context, *servers, options, *report) error{
	"count": countWorkload, "memory": memoryWorkload, "cold": coldWorkload, "fairness": fairnessWorkload, "growth": growthWorkload, "overload": overloadWorkload, "reads": readsWorkload, "words": wordsWorkload, "ack": ackWorkload,
	"batches":      batchesWorkload,
	"exactly-once": exactlyOnceWorkload, "exact-ack": exactAckWorkload,
	"microbatch": microbatchWorkload, "lone": loneWorkload,
	"visible": visibleWorkload,
	"local":   localWorkload,
	"profile": profileWorkload, "floors": floorsWorkload, "peer-count": peerCountWorkload, "peer-words": peerWordsWorkload,
	"peer-count-long": peerCountLongWorkload, "peer-words-long": peerWordsLongWorkload, "peer-ack": peerAckWorkload,
}

// timed runs f and returns how long it took.
func timed(f func() error) (time.Duration, error) {
	begin := time.Now()
	err := f()
	return time.Since(begin), err
}
