package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// readsWorkload measures what four who read get while count runs, each one read after another:
// points of a map, then ranges of a sorted map. The client's reads are compared with the same
// reads of a bare Redis client; and count with them is compared with count without.
func readsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	points := &readers{
		s: s, r: r, prefix: "reads", bare: "HGET", define: newCounting, open: openPoints,
		subject: func(name string) subject { return s.module(name, newCounting) },
	}
	ranges := &readers{
		s: s, r: r, prefix: "range-reads", bare: "EVALSHA_RO", define: newRanking, open: openRanges,
		subject: func(name string) subject { return s.stored1(name, newRanking, true) },
	}
	for _, kind := range []*readers{points, ranges} {
		if err := kind.measure(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", kind.prefix, err)
		}
	}
	return nil
}

// readers measure one kind of read.
type readers struct {
	s       *servers
	r       *report
	prefix  string // of the figures' names
	bare    string // what a bare client does
	define  func(module string) module.Module
	subject func(name string) subject // who counts meanwhile
	// open makes what a reader has to do, through a client and bare. Each of them checks what
	// it gets: an error voids the round.
	open func(s *servers, in *input, m module.Module, c *client.Client) (mine, bare readOne)

	p50, p99, rate *figure
}

// readOne reads once. A reader of a round begins with nothing seen.
type readOne func(ctx context.Context, random *rand.Rand, seen map[string]int64) error

func (k *readers) measure(ctx context.Context, o options) error {
	in, err := k.s.fill(ctx, moduleName("BenchReads"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer k.s.drop(ctx, in)
	m := k.define(in.module)
	if _, err := k.s.process(ctx, in, m, nil); err != nil { // once, so that a client finds it
		return err
	}
	c, release, err := k.s.readingClient(ctx, m)
	if err != nil {
		return err
	}
	defer release()
	mine, bare := k.open(k.s, in, m, c)
	k.p50, k.p99 = k.r.figure(k.prefix, "ms p50", true), k.r.figure(k.prefix+"-p99", "ms p99", true)
	k.rate = k.r.figure(k.prefix+"-rate", "reads/s of four readers", false)
	count := k.r.figure("count-with-"+k.prefix, "events/s", false)
	return alternate(ctx, in, count, o.rounds, 0, k.beside(ours, mine), k.beside(k.bare, bare), k.subject("without-reads"))
}

// readingClient is a client with connections of its own to Redis, as one in another process has.
func (s *servers) readingClient(ctx context.Context, m module.Module) (c *client.Client, release func(), err error) {
	store, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{s.options.redis}})
	if err != nil {
		return nil, nil, err
	}
	if c, err = client.New(client.Config{Log: s.log, Store: store, Network: memtransport.New()}); err == nil {
		if err = c.Use(ctx, m); err != nil {
			_ = c.Close()
		}
	}
	if err != nil {
		_ = store.Close()
		return nil, nil, err
	}
	return c, func() { _, _ = c.Close(), store.Close() }, nil
}

// beside is count with readers.
func (k *readers) beside(name string, read readOne) subject {
	counting := k.subject(name)
	count := counting.run
	counting.run = func(ctx context.Context, in *input) (time.Duration, error) {
		beside := &reading{read: read}
		k.s.reading = beside
		defer func() { k.s.reading = nil }()
		took, err := count(ctx, in)
		if err == nil && beside.failure != nil {
			err = fmt.Errorf("a read: %w", beside.failure)
		}
		if err != nil {
			return 0, err
		}
		k.p50.add(name, quantile(beside.samples, 0.5))
		k.p99.add(name, quantile(beside.samples, 0.99))
		k.rate.add(name, float64(len(beside.samples))/beside.took.Seconds())
		return took, nil
	}
	return counting
}

// readersBeside is how many read.
const readersBeside = 4

// reading is what reads while a module runs.
type reading struct {
	read  readOne
	begun atomic.Bool // the module has committed
	stop  atomic.Bool

	mu      sync.Mutex
	samples []time.Duration
	took    time.Duration // the longest, from a reader's first read to its last
	failure error
}

// begin has readers read from the module's first commit until the function that it returns is
// called: what is read before and after meets a server that has nothing to do. A nil reading
// does nothing.
func (r *reading) begin(ctx context.Context) (end func()) {
	if r == nil {
		return func() {}
	}
	var group sync.WaitGroup
	for i := range readersBeside {
		group.Go(func() { r.reader(ctx, rand.New(rand.NewPCG(5, uint64(i)))) })
	}
	return func() {
		r.stop.Store(true)
		group.Wait()
	}
}

// committed is told of each commit.
func (r *reading) committed() {
	if r != nil {
		r.begun.Store(true)
	}
}

// reader reads one after another.
func (r *reading) reader(ctx context.Context, random *rand.Rand) {
	for !r.begun.Load() && !r.stop.Load() {
		time.Sleep(lookEvery)
	}
	var samples []time.Duration
	var failure error
	seen, begin := map[string]int64{}, time.Now()
	for failure == nil && (len(samples) == 0 || !r.stop.Load()) {
		var took time.Duration
		took, failure = timed(func() error { return r.read(ctx, random, seen) })
		samples = append(samples, took)
	}
	took := time.Since(begin)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples, r.took, r.failure = append(r.samples, samples...), max(r.took, took), cmp.Or(r.failure, failure)
}

// grown voids a read of a count that is less than what was seen before, or more than it may be.
func grown(seen map[string]int64, key string, n, most int64) error {
	if n < seen[key] || n > most {
		return fmt.Errorf("%s has the count %d, after %d was seen, and %d is the most", key, n, seen[key], most)
	}
	seen[key] = n
	return nil
}
