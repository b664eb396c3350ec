package main

import (
	"context"
	"strconv"

	engine "github.com/coppice-run/coppice/runtime"
)

// batchMax is how many events a transaction has at most, of the loop and of ours.
func (o options) batchMax() int {
	if o.batch <= 0 {
		return batchDefault
	}
	return o.batch
}

// engine are the engine's options for that. Other things bound a batch, too: it takes no more events
// when it has half of the fields that a commit may write, begins no more records than may be under
// way, and has no more than was fetched for it. Where a batch may be larger than by default, they grow
// in the same proportion.
func (o options) engine() engine.Options {
	e := engine.Options{MaxEventsPerBatch: o.batchMax()}
	if o.batchMax() > batchDefault {
		grown := func(byDefault int) int { return byDefault * o.batchMax() / batchDefault }
		e.MaxFieldsPerBatch, e.MaxExecutingPerTask = grown(10_000), grown(10_000)
		e.DepotCacheCardinality, e.CatchupChunkSize = grown(20_000), grown(5_000)
	}
	return e
}

// batchSizes are the bounds that the workload batches runs with.
var batchSizes = []int{500, batchDefault, 10_000}

// batchesWorkload compares count and words with the loop for transactions of several sizes: how much
// of the ratio is due to the size that both have by default.
func batchesWorkload(ctx context.Context, s *servers, o options, r *report) error {
	clicks, err := s.fill(ctx, moduleName("BenchBatchCount"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer s.drop(ctx, clicks)
	sentences, err := s.fill(ctx, moduleName("BenchBatchWords"), "sentences", tasks, o.words, sentencesOf(10))
	if err != nil {
		return err
	}
	defer s.drop(ctx, sentences)
	defer func() { s.options.batch = o.batch }()
	for _, size := range batchSizes {
		s.options.batch = size
		suffix := "-batch-" + strconv.Itoa(size)
		f := r.figure("count"+suffix, "events/s", false)
		if err := alternate(ctx, clicks, f, o.rounds, 0, s.module(ours, newCounting), s.handWritten(false)); err != nil {
			return err
		}
		f = r.figure("words"+suffix, "events/s", false)
		if err := alternate(ctx, sentences, f, o.rounds, 0, s.module(ours, newWording), s.handWritten(true)); err != nil {
			return err
		}
	}
	return nil
}
