package simulation

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// Users are the programs that use a module in a run.
type Users struct {
	// Programs is how many there are; default 4.
	Programs int
	// Program is what each of them does. An error is a violation.
	Program func(p *Program) error
	// Seeds is how many seeds Check runs; default 200, or COPPICE_SEEDS.
	Seeds int
	// Tasks and Servers are drawn from the seed where they are zero.
	Tasks, Servers int
	// Without leaves kinds of faults out.
	Without []Fault
	// Durability is the level of the commits. Default store.Applied, as of a worker.
	Durability store.Level
	// Hops says that records hop: of two servers none then loses its tail at level
	// Applied, which does not promise more.
	Hops bool
	// Fails says that handlers return errors on purpose.
	Fails bool
	// Always must hold at every moment.
	Always []Always
}

// Invariant is what must hold when everything has come to rest.
type Invariant func(r pstate.Reader) error

// Always is what must hold at every moment, between any two commits. For what exactly-once
// streams have under way there is [UnderWay].
type Always func(s *State) error

// Check runs a module, as it is, through the simulation: seed after seed, until one
// violates an invariant, returns an error from a program, or does not come to rest.
// That one is reduced to a short schedule, and its interleaving is printed with how
// to run it again: COPPICE_SEED=n runs that seed alone.
//
// The module's value is used for all runs: what its handlers keep outside PStates
// is kept, and would be a mistake in production, too.
func Check(t testing.TB, m module.Module, users Users, invariants ...Invariant) {
	t.Helper()
	w := users.workload(m, invariants)
	check(t, users.Seeds, func(seed uint64) Config { return users.config(seed, w) })
}

// CheckWorkload does the same with a workload of one's own, whose Case is made anew for
// each run. seeds is how many it runs; 0: 200. COPPICE_SEEDS and COPPICE_SEED count here, too.
func CheckWorkload(t testing.TB, w Workload, seeds int) {
	t.Helper()
	check(t, seeds, func(seed uint64) Config { return Config{Seed: seed, Workload: w} })
}

func check(t testing.TB, seeds int, config func(seed uint64) Config) {
	t.Helper()
	first, count := uint64(0), seedCount(seeds)
	if text := os.Getenv("COPPICE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("COPPICE_SEED=%s is not a seed: %v", text, err)
		}
		first, count = seed, 1
	}
	events, faults := 0, 0
	for seed := first; seed < first+uint64(count); seed++ {
		r := Twice(config(seed))
		events, faults = events+r.Events, faults+r.FaultTotal()
		if len(r.Violations) > 0 {
			t.Errorf("seed %d: %s\n\n%s", seed, strings.Join(r.Violations, "\n"), Story(Reduce(config(seed))))
			return
		}
	}
	t.Logf("%d seeds, %d faults, %d events, no violation", count, faults, events)
}

func seedCount(given int) int {
	if n, err := strconv.Atoi(os.Getenv("COPPICE_SEEDS")); err == nil && n > 0 {
		return n
	}
	if given > 0 {
		return given
	}
	return 200
}

func (u *Users) config(seed uint64, w Workload) Config {
	return Config{Seed: seed, Workload: w, Tasks: u.Tasks, Servers: u.Servers, Without: u.Without}
}

// workload makes a workload of a module and its users.
func (u *Users) workload(m module.Module, invariants []Invariant) Workload {
	name := fmt.Sprintf("%T", m)
	return Workload{Name: name, Hops: u.Hops, Fails: u.Fails, Durability: &u.Durability, New: func() Case { return &usersCase{m, u, invariants} }}
}

// usersCase is a workload of programs.
type usersCase struct {
	m          module.Module
	users      *Users
	invariants []Invariant
}

func (c *usersCase) Module() module.Module { return c.m }

// Append is not called: the programs append.
func (c *usersCase) Append(module.Appender, *rand.Rand, int) error { return nil }

// Watch holds what must hold at every moment against one.
func (c *usersCase) Watch(s *State) error {
	for _, hold := range c.users.Always {
		if err := hold(s); err != nil {
			return err
		}
	}
	return nil
}

func (c *usersCase) Acked(int, module.Acks) error { return nil }

func (c *usersCase) Check(r pstate.Reader, _ func(int) bool) error {
	for _, hold := range c.invariants {
		if err := hold(r); err != nil {
			return err
		}
	}
	return nil
}

// Programs are the users.
func (c *usersCase) Programs() (int, func(*Program) error) {
	n := c.users.Programs
	if n == 0 {
		n = 4
	}
	return n, c.users.Program
}

// storyLinesMax bounds what is printed of a run.
const storyLinesMax = 400

// Story is a run for people: what it came to, and its trace.
func Story(c Config) string {
	var trace bytes.Buffer
	c.Trace = &trace
	r := Run(c)
	lines := strings.Split(strings.TrimRight(trace.String(), "\n"), "\n")
	cut := ""
	if n := len(lines); n > storyLinesMax {
		cut = fmt.Sprintf("  … %d lines before\n", n-storyLinesMax)
		lines = lines[n-storyLinesMax:]
	}
	return fmt.Sprintf("reduced to %d tasks, %d records, %d faults in %v:\n%s%s\n", r.Tasks, r.Records, r.FaultTotal(), r.Took.Round(time.Millisecond), cut, strings.Join(lines, "\n"))
}
