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

// What else bounds a batch of ours, by events of it: at the default as large as by default, in the
// same proportion where a batch may be larger. A batch takes no more events when it has half of the
// fields that a commit may write, nor begins more records than may be under way.
const (
	fieldsPerEvent  = 5
	recordsPerEvent = 5
)

// engine are the engine's options for that.
func (o options) engine() engine.Options {
	var e engine.Options
	e.MaxEventsPerBatch = o.batchMax()
	if o.batchMax() > batchDefault {
		e.MaxFieldsPerBatch, e.MaxExecutingPerTask = fieldsPerEvent*o.batchMax(), recordsPerEvent*o.batchMax()
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
