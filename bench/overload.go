package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// Overload: ten times of what can be done, for some seconds. A handler takes some milliseconds,
// without taking a processor, so that the client can offer that.
const (
	overloadTakes    = 4 * time.Millisecond
	overloadBytes    = 4_000 // of a record
	overloadWindow   = 100   // records of a task that may be under way: appends behind so many are not let wait
	overloadBatch    = 20    // events of a commit: by default it could be 2,000, which are eight seconds of these
	overloadCache    = 2_000 // fetched records of a partition: a fifth of what comes
	overloadTimes    = 10
	overloadTop      = 2 * time.Second // how long one looks for what can be done
	overloadPress    = 5 * time.Second
	overloadRounds   = 3               // at most: each takes long
	overloadPatience = 2 * time.Minute // of an append that is let wait

	// overloadLeast is how much of the load that is asked for the client has to offer: else it is
	// the client that is overloaded.
	overloadLeast = 0.95
	// overloadMemory bounds what the worker's process may have resident, in MB. Its limits
	// let it hold 32 MB of records that wait and 4 MiB of paused partitions; the collector lets
	// that double, a worker without load has nearly 40, and the rest is for appends that wait. What
	// comes are 160 MB, so that a worker that keeps it all has far more.
	overloadMemory = 200
	// overloadQuick bounds how long an append that is let wait takes, by their p99: twice what
	// those take that may be before it, one after another.
	overloadQuick = 2 * overloadWindow * overloadTakes
)

// overloadWorkload finds out what rate of acked appends can be sustained and then has ten times that
// come. Those whom a task cannot let wait are told ErrThrottled: their records are in the
// depot and are done when there is room. Memory is to be bounded meanwhile, work to go on as fast
// as before, and every record that is in the depot to be counted once in the end.
func overloadWorkload(ctx context.Context, s *servers, o options, r *report) error {
	f := &overloadFigures{
		acked:   r.delays("overload", ""),
		samples: r.figure("overload-samples", "appends that were let wait, of which these times are", false),
		times:   r.figure("overload-offered", "times what can be sustained", false),
		work:    r.figure("overload-records", "records/s that are done", false),
		rate:    r.figure("overload-acks", "acks/s", false),
		shed:    r.figure("overload-shed", "appends told ErrThrottled", true),
		part:    r.figure("overload-shed-part", "% of the appends", true),
		lost:    r.figure("overload-unknown", "appends of unknown outcome", true),
		rss:     r.figure("overload-resident", "MB resident at most", true),
		drain:   r.figure("overload-drain", "s until all is done", true),
	}
	f.acked.p50.Checked = "every record that is in the depot is counted once in the end, answered or shed"
	var unbounded error
	for range min(o.rounds, overloadRounds) {
		err := f.round(ctx, s)
		if errors.Is(err, errUnbounded) { // the other rounds say whether that is always so
			unbounded, err = err, nil
		}
		if err != nil {
			return fmt.Errorf("overload: %w", err)
		}
	}
	return unbounded
}

// errUnbounded: the worker had more memory than it may have.
var errUnbounded = errors.New("memory is not bounded")

// overloadFigures are told of the load, and of what is sustained, for comparison.
type overloadFigures struct {
	acked                                                    delays
	samples, times, work, rate, shed, part, lost, rss, drain *figure
}

// sustained is the subject that an overload is compared with.
const sustained = "sustained"

func (f *overloadFigures) round(ctx context.Context, s *servers) error {
	o := &overloaded{s: s, module: moduleName("BenchLoad")}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		_ = s.wipe(ctx, o.module)
		s.dropTopics(ctx, depot.TopicName(o.module, "jobs"), depot.TopicName(o.module, "__meta"))
	}()
	p := role{Does: workerOfOverload, Kafka: s.options.kafka, Redis: s.options.redis, Module: o.module}
	var err error
	if o.worker, err = startChild(ctx, p); err != nil {
		return err
	}
	p.Does = clientOfOverload
	if o.client, err = startChild(ctx, p); err == nil {
		err = o.measure(ctx, f)
		if failure := o.client.close(); failure != nil {
			err = failure
		}
	}
	if failure := o.worker.close(); failure != nil {
		err = failure
	}
	return err
}

// overloaded is a round.
type overloaded struct {
	s              *servers
	module         string
	worker, client orders
}

func (o *overloaded) measure(ctx context.Context, f *overloadFigures) error {
	top, err := o.client.order(ctx, order{Ask: askTop, Appenders: openKeys, Length: overloadTop})
	if err != nil {
		return err
	}
	rate := float64(top.Tally.Acked) / top.Took.Seconds()
	memory, err := o.worker.order(ctx, order{Ask: askMemory})
	if err != nil {
		return err
	}
	f.work.add(sustained, rate)
	f.rss.add(sustained, memory.ResidentMB)
	if _, err := o.worker.order(ctx, order{Ask: askForget}); err != nil {
		return err
	}
	begin := time.Now()
	pressed, work, err := o.press(ctx, rate)
	if err != nil {
		return err
	}
	if len(pressed.Samples) == 0 {
		return errors.New("no append was answered")
	}
	offered := float64(pressed.Tally.Acked+pressed.Tally.Throttled+pressed.Tally.Unknown) / pressed.Took.Seconds() / rate
	// Behind all that was shed, of each key one more: when it is answered all is done.
	last, err := o.client.order(ctx, order{Ask: askLast, Appenders: openKeys})
	if err != nil {
		return err
	}
	f.drain.add(ours, time.Since(begin).Seconds()-overloadPress.Seconds())
	if memory, err = o.worker.order(ctx, order{Ask: askMemory}); err != nil {
		return err
	}
	f.times.add(ours, offered)
	f.work.add(ours, work)
	f.acked.add(ours, pressed.Samples)
	f.samples.add(ours, float64(len(pressed.Samples)))
	f.rate.add(ours, float64(pressed.Tally.Meanwhile)/pressed.Took.Seconds())
	f.shed.add(ours, float64(pressed.Tally.Throttled))
	f.part.add(ours, 100*float64(pressed.Tally.Throttled)/(offered*rate*pressed.Took.Seconds()))
	f.lost.add(ours, float64(pressed.Tally.Unknown))
	f.rss.add(ours, memory.ResidentMB)
	if err := o.check(ctx, last); err != nil {
		return err
	}
	return bounded(offered, memory.ResidentMB)
}

// press has the load come, and looks at how much is done meanwhile.
func (o *overloaded) press(ctx context.Context, rate float64) (pressed *answer, work float64, err error) {
	ended := make(chan struct{})
	var failure error
	go func() {
		defer close(ended)
		pressed, failure = o.client.order(ctx, order{Ask: askPress, Rate: overloadTimes * rate, Length: overloadPress})
	}()
	begin := time.Now()
	before, err := o.done(ctx)
	if err == nil {
		select {
		case <-time.After(overloadPress):
		case <-ended: // it failed
		}
		var after int64
		after, err = o.done(ctx)
		work = float64(after-before) / time.Since(begin).Seconds()
	}
	<-ended
	return pressed, work, errors.Join(failure, err)
}

// done is how many records are counted.
func (o *overloaded) done(ctx context.Context) (n int64, err error) {
	counts, err := o.s.counted(ctx, &input{module: o.module, tasks: tasks})
	for _, count := range counts {
		n += count
	}
	return n, err
}

// check compares what was counted with what the client knows to be in the depot, and what may be.
func (o *overloaded) check(ctx context.Context, last *answer) error {
	counts, err := o.s.counted(ctx, &input{module: o.module, tasks: tasks})
	if err != nil {
		return err
	}
	return within(counts, last.Fold, last.Maybe)
}

// within voids a round that has lost a record of the fold, or counted one that was never
// appended.
func within(counts, fold, maybe map[string]int64) error {
	for key, want := range fold {
		if counts[key] < want {
			return fmt.Errorf("%s was counted %d times: %d records of it are in the depot", key, counts[key], want)
		}
	}
	for key, n := range counts {
		if most := fold[key] + maybe[key]; n > most {
			return fmt.Errorf("%s was counted %d times, and appended %d times at most", key, n, most)
		}
	}
	return nil
}

// bounded voids a round whose load was none, or whose memory grew beyond its bound.
func bounded(offered, residentMB float64) error {
	switch {
	case offered < overloadLeast*overloadTimes:
		return fmt.Errorf("the client offered %.1f times what can be sustained, not %d: it has no processor to do so", offered, overloadTimes)
	case residentMB == 0:
		return errors.New("this system does not say how much memory a process has resident")
	case residentMB > overloadMemory:
		return fmt.Errorf("%w: the worker of an overload had %.0f MB resident, at most %d are allowed", errUnbounded, residentMB, overloadMemory)
	}
	return nil
}
