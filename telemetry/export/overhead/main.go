// Command overhead measures what telemetry costs: it counts the records of one topic by key, on
// real servers, again and again from the topic's beginning, with and without telemetry. With it
// means as package export wires it: one record in so many followed with all its spans, metrics
// collected every second, kotel and redisotel, and all of that sent to a collector that throws it
// away. The collector is a process of its own, as a real one is: its CPU time is not the worker's,
// but where it runs on the same machine it takes some of the time that both have. Without telemetry
// the worker keeps no event trees either. Each run is checked against a plain count.
//
// Machines drift by more than telemetry costs. So each round has both count twice, in the order
// A B B A, and the next one in the order B A A B: what drifts evenly weighs on both alike, and only
// sums of one round are divided by one another. Of the rounds' ratios the median is told, with an
// interval that holds the true median with the confidence that is said beside it, whatever the
// distribution of the ratios; it takes rounds for independent of each other. It fails if the median
// is below -least.
//
// With -each it measures each part of telemetry by itself, too, and takes as much longer; with a
// lower -sample what a sampled record costs stands out from the noise. -parts none has nothing in
// the place of telemetry: what is told then is what the measure does by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
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
	if len(os.Args) == 2 && os.Args[1] == collectorFlag {
		if err := beCollector(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "overhead: collector:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.kafka, "kafka", "127.0.0.1:19092", "Kafka broker")
	flag.StringVar(&o.redis, "redis", "127.0.0.1:16379", "Redis server")
	flag.IntVar(&o.rounds, "rounds", 24, "rounds, in each of which every subject counts twice; with fewer than 6 there is no interval of 95 %")
	flag.IntVar(&o.records, "records", 3_000_000, "records of the topic: some seconds of work, so that moments weigh little")
	flag.IntVar(&o.sample, "sample", 1000, "of how many records one has spans")
	flag.Float64Var(&o.least, "least", 0.97, "the ratio that the median has to reach")
	flag.StringVar(&o.parts, "parts", everything, "what telemetry is made of here; "+nothing+": of nothing, which shows what the measure does by itself")
	flag.BoolVar(&o.each, "each", false, "measure each of the parts by itself, too")
	flag.StringVar(&o.profiles, "profiles", "", "a folder for where CPU time and memory of the last runs go, with and without telemetry (go tool pprof)")
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
	begin := time.Now()
	subjects, err := o.subjects()
	if err != nil {
		return err
	}
	c, err := startCollector(ctx)
	if err != nil {
		return err
	}
	defer func() { _, _ = c.close() }()
	in, err := fill(ctx, o)
	if err != nil {
		return err
	}
	defer in.drop(ctx)
	for _, s := range subjects { // does not count: the first runs find everything cold
		if _, err := in.measure(ctx, s, c.url); err != nil {
			return err
		}
	}
	var rounds [][]usage
	for round := range o.rounds {
		runs := order(len(subjects), round)
		took := make([]usage, len(runs))
		for i, s := range runs {
			if took[i], err = in.measure(ctx, subjects[s], c.url); err != nil {
				return err
			}
		}
		rounds = append(rounds, together(runs, took))
		o.reportRound(out, subjects, rounds)
	}
	got, err := c.close()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the collector got %d requests of %.2f MB in all\n", got.Requests, float64(got.Bytes)/1e6)
	ratio := o.report(out, subjects, rounds, time.Since(begin))
	if ratio < o.least {
		return fmt.Errorf("the median ratio is %.3f, and is to be %.3f at least", ratio, o.least)
	}
	return nil
}
