package simulation

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
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
	// Hops says that records have effects on several tasks: of two servers none then loses
	// its tail at level Applied, which does not promise more. That a module has steps or
	// microbatches says it, too.
	Hops bool
	// LostTail is what tasks do that find output of lost commits in the log, at level
	// Applied (R31). By default exactly-once streams halt: that ends the run of a seed, whose
	// invariants are then not looked at, and Check says how many there were.
	LostTail runtime.LostTail
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
// violates an invariant, returns an error from a program, or does not come to rest. One thing
// is not as it is declared: every source begins at the beginning of its depot, whatever its start
// says, so that no record is left out by chance.
// That one is reduced to a short schedule, and its interleaving is printed with how
// to run it again: COPPICE_SEED=n runs that seed alone. COPPICE_STORY=engine prints what commits
// write to the engine's own tables, too.
//
// The module's value is used for all runs: what its handlers keep outside PStates
// is kept, and would be a mistake in production, too.
func Check(t testing.TB, m module.Module, users Users, invariants ...Invariant) {
	t.Helper()
	if err := users.mistakes(m, invariants); err != nil {
		t.Fatalf("simulation.Check cannot run:\n%v", err)
	}
	w := users.workload(m, invariants)
	check(t, users.Seeds, func(seed uint64) Config { return users.config(seed, w) })
}

// CheckWorkload does the same with a workload of one's own, whose Case is made anew for
// each run. seeds is how many it runs; 0: 200. COPPICE_SEEDS and COPPICE_SEED count here, too.
func CheckWorkload(t testing.TB, w Workload, seeds int) {
	t.Helper()
	switch {
	case w.New == nil:
		t.Fatalf("simulation.CheckWorkload cannot run: Workload.New is not set: what does a run begin with?")
	case seeds < 0:
		t.Fatalf("simulation.CheckWorkload cannot run: %d seeds; want 1 or more, or 0 for the default", seeds)
	}
	check(t, seeds, func(seed uint64) Config { return Config{Seed: seed, Workload: w} })
}

func check(t testing.TB, seeds int, config func(seed uint64) Config) {
	t.Helper()
	first, count := uint64(0), seedCount(t, seeds)
	if text := os.Getenv("COPPICE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("COPPICE_SEED=%s is not a seed: %v", text, err)
		}
		first, count = seed, 1
	}
	events, faults, records, alarms := 0, 0, 0, 0
	seed, through := first, false
	defer func() {
		if !through { // a panic of the module, or a FailNow in a program
			t.Logf("seed %d ended the test; COPPICE_SEED=%d runs it alone", seed, seed)
		}
	}()
	for ; seed < first+uint64(count); seed++ {
		through = false
		r := Twice(config(seed))
		through = true
		events, faults, records, alarms = events+r.Events, faults+r.FaultTotal(), records+r.Records, alarms+r.Alarms
		if r.differs {
			t.Errorf("seed %d: %s\n\n%s", seed, strings.Join(r.Violations, "\n"), difference(config(seed)))
			return
		}
		if len(r.Violations) > 0 {
			t.Errorf("seed %d: %s\n\n%s", seed, strings.Join(r.Violations, "\n"), Story(Reduce(config(seed))))
			return
		}
	}
	if records == 0 && events == 0 { // ticks are not appended
		t.Errorf("nothing was appended in %d seeds, so nothing was tested: let the programs append to the module's depots", count)
		return
	}
	halts := ""
	if alarms > 0 {
		halts = fmt.Sprintf(", %d of them ended by a task that halted rather than lose or double something", alarms)
	}
	t.Logf("%d seeds%s, %d faults, %d events, no violation", count, halts, faults, events)
}

// mistakes lists what is wrong with the users of a module.
func (u *Users) mistakes(m module.Module, invariants []Invariant) error {
	var found []error
	if m == nil {
		found = append(found, errors.New("the module is nil"))
	}
	if u.Program == nil {
		found = append(found, errors.New("no Users.Program is set: what do the users do?"))
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"Programs", u.Programs}, {"Seeds", u.Seeds}, {"Tasks", u.Tasks}, {"Servers", u.Servers}} {
		if n.value < 0 {
			found = append(found, fmt.Errorf("the users' %s are %d; want 1 or more, or 0 for the default", n.name, n.value))
		}
	}
	if u.Tasks > task.CountMax {
		found = append(found, fmt.Errorf("Users.Tasks is %d; a module has at most %d", u.Tasks, task.CountMax))
	}
	for i, hold := range invariants {
		if hold == nil {
			found = append(found, fmt.Errorf("invariant %d is nil", i))
		}
	}
	for i, hold := range u.Always {
		if hold == nil {
			found = append(found, fmt.Errorf("Users.Always[%d] is nil", i))
		}
	}
	return errors.Join(found...)
}

// guarded makes a panic of a user's function an error that says where it was.
func guarded(what string, do func() error) (err error) {
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case errEnded:
			panic(p) // the world's own
		default:
			err = fmt.Errorf("%s panicked%s: %v", what, panickedAt(), p)
		}
	}()
	return do()
}

// panickedAt is the place of the panic that is being recovered, in the deferred function's
// caller.
func panickedAt() string {
	pcs := make([]uintptr, 32)
	frames := goruntime.CallersFrames(pcs[:goruntime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.File != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf(" at %s:%d", f.File, f.Line)
		}
		if !more {
			return ""
		}
	}
}

func seedCount(t testing.TB, given int) int {
	t.Helper()
	if text := os.Getenv("COPPICE_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("COPPICE_SEEDS=%s is no number of seeds: want 1 or more", text)
		}
		return n
	}
	return cmp.Or(given, 200)
}

func (u *Users) config(seed uint64, w Workload) Config {
	return Config{Seed: seed, Workload: w, Tasks: u.Tasks, Servers: u.Servers, Without: u.Without}
}

// workload makes a workload of a module and its users.
func (u *Users) workload(m module.Module, invariants []Invariant) Workload {
	name := fmt.Sprintf("%T", m)
	return Workload{Name: name, Hops: u.Hops, Fails: u.Fails, Durability: &u.Durability, LostTail: u.LostTail, New: func() Case { return &usersCase{m, u, invariants} }}
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
		if err := guarded("what must always hold", func() error { return hold(s) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *usersCase) Acked(int, module.Acks) error { return nil }

func (c *usersCase) Check(r pstate.Reader, _ func(int) bool) error {
	for _, hold := range c.invariants {
		if err := guarded("an invariant", func() error { return hold(r) }); err != nil {
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
	c.TraceEngine = c.TraceEngine || os.Getenv("COPPICE_STORY") == "engine"
	r := Run(c)
	lines := strings.Split(strings.TrimRight(trace.String(), "\n"), "\n")
	cut := ""
	if n := len(lines); n > storyLinesMax {
		cut = fmt.Sprintf("  … %d lines before\n", n-storyLinesMax)
		lines = lines[n-storyLinesMax:]
	}
	return fmt.Sprintf("reduced to %d tasks, %d records, %d faults in %v:\n%s%s\n", r.Tasks, r.Records, r.FaultTotal(), r.Took.Round(time.Millisecond), cut, strings.Join(lines, "\n"))
}
