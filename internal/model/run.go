package model

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/coppice-run/coppice/store"
)

// Config says what to run, and where.
type Config struct {
	// Store holds the PStates. Required.
	Store store.Store
	// Name tells the keys of this run from those of others on the same server. Default
	// Model.
	Name string
	// Seed decides everything that is drawn.
	Seed uint64
	// Ops is how many operations to run. Default 10,000.
	Ops int
	// Keys lists the stored keys that begin with a text, if the caller can: what is
	// left without an owner is then found, too.
	Keys func(ctx context.Context, prefix string) ([]string, error)
	// Progress, if set, is told how many operations are done, now and then.
	Progress func(done int)
}

// Result says what a run did.
type Result struct {
	Ops       int // operations, each compared
	Events    int
	Failed    int // events that were rolled back
	Ahead     int // events that ran ahead and were thrown away
	Batches   int // commits
	Reloads   int // batches that were lost with all that was in memory
	Foreign   int // events of another topology
	Checks    int // comparisons of everything, as a client reads it
	Reads     int // questions to the store
	CachedMax int // elements in memory after a commit
}

func (r Result) String() string {
	return fmt.Sprintf("operations %d, events %d (rolled back %d, ahead %d, of another topology %d), commits %d, reloads %d, full checks %d, reads %d, cached at most %d",
		r.Ops, r.Events, r.Failed, r.Ahead, r.Foreign, r.Batches, r.Reloads, r.Checks, r.Reads, r.CachedMax)
}

// run is one run.
type run struct {
	config Config
	random *rand.Rand
	shelf  *shelf
	result Result
	journal
	*owner

	wrote   bool // the running operation has written an element
	ahead   bool // it runs ahead of another one and will be taken back
	trace   []string
	failure error
}

// checkEvery is how many operations lie between two comparisons of everything.
const checkEvery = 5_000

// Run runs the operations. The error names the first difference, with the operations
// before it.
func Run(ctx context.Context, config Config) (Result, error) {
	config.Ops = cmp.Or(config.Ops, 10_000)
	config.Name = cmp.Or(config.Name, "Model")
	x := &run{config: config, random: rand.New(rand.NewPCG(config.Seed, 0xc0991ce))}
	var err error
	if x.shelf, err = newShelf(); err != nil {
		return x.result, err
	}
	if x.owner, err = newOwner(ctx, x); err != nil {
		return x.result, err
	}
	defer x.owner.close()
	for next := checkEvery; x.result.Ops < config.Ops && x.failure == nil; {
		x.batch()
		if x.result.Ops >= next || x.result.Ops >= config.Ops {
			next += checkEvery
			x.checkAll()
			if config.Progress != nil {
				config.Progress(x.result.Ops)
			}
		}
	}
	if x.failure != nil {
		return x.result, fmt.Errorf("seed %d, operation %d: %w; before it:\n  %s", config.Seed, x.result.Ops, x.failure, strings.Join(x.trace, "\n  "))
	}
	return x.result, nil
}

// fail notes the first failure.
func (x *run) fail(err error) {
	if x.failure == nil && err != nil {
		x.failure = err
	}
}

// traceMax is how many operations before a difference are shown.
const traceMax = 40

func (x *run) note(format string, args ...any) {
	if len(x.trace) == traceMax {
		x.trace = append(x.trace[:0], x.trace[1:]...)
	}
	x.trace = append(x.trace, fmt.Sprintf(format, args...))
}

// expect compares what was read with what the model has. What runs ahead may do so in
// the middle of another operation, and is thrown away; it must leave nothing behind.
func (x *run) expect(what string, got, want any, err error) {
	if x.failure != nil || x.ahead {
		return
	}
	if err != nil {
		x.fail(fmt.Errorf("%s: %w", what, err))
		return
	}
	if g, w := show(got), show(want); g != w {
		x.fail(fmt.Errorf("%s gave %.400s, want %.400s", what, g, w))
	}
}

// one draws whether something of so many in a hundred happens.
func (x *run) one(percent int) bool { return x.random.IntN(100) < percent }

// some draws how many elements an operation adds: nearly always one, as many would
// drive all else out of the cache.
func (x *run) some(most int) int {
	if most > 0 && x.one(4) {
		return 1 + x.random.IntN(most)
	}
	return 1
}
