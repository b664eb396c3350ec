// Command simulate runs the engine through many seeds of its simulated world
// and says what it found. Its last line is
//
//	seeds 500, faults F, events E, violations 0
//
// and its exit code 1 if there are violations. A failing seed is run again, with
// everything that happens, by the command that is printed with it.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/coppice-run/coppice/simulation"
)

// memoryLimitBytes is about what all runs together may take before what they left is
// collected.
const memoryLimitBytes = 256 << 20

func main() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		// Runs are short, and leave all that they made: memory for a sixth of the time.
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(memoryLimitBytes)
	}
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	seeds, first uint64
	seed         int64
	trace, calm  bool
	engine       bool
	untilFound   bool
	records      int
	workloads    []simulation.Workload
}

func parse(args []string) (options, error) {
	var o options
	var names string
	all := make([]string, 0, 4)
	workloads := append(simulation.Workloads(), examples()...)
	for _, w := range workloads {
		all = append(all, w.Name)
	}
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.Uint64Var(&o.seeds, "seeds", 500, "how many seeds each workload runs")
	flags.Uint64Var(&o.first, "first", 0, "the first seed")
	flags.Int64Var(&o.seed, "seed", -1, "run this seed only")
	flags.BoolVar(&o.trace, "trace", false, "print everything that happens; with -seed")
	flags.BoolVar(&o.engine, "engine", false, "with -trace: show the engine's own tables in commits, too")
	flags.BoolVar(&o.untilFound, "until-found", false, "end at the first seed that finds something, and say how many it took")
	flags.BoolVar(&o.calm, "calm", false, "leave all faults out")
	flags.IntVar(&o.records, "records", 0, "records of a run; 0: drawn from the seed")
	flags.StringVar(&names, "workloads", strings.Join(all, ","), "which workloads to run; the first part of a name is for all that have it")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for name := range strings.SplitSeq(names, ",") {
		chosen := choose(workloads, name)
		if len(chosen) == 0 {
			return o, fmt.Errorf("no workload %q; there are %s", name, strings.Join(all, ", "))
		}
		o.workloads = append(o.workloads, chosen...)
	}
	if o.seed >= 0 {
		o.first, o.seeds = uint64(o.seed), 1
	}
	if o.trace && o.seed < 0 {
		return o, fmt.Errorf("-trace needs -seed: it prints thousands of lines for each")
	}
	return o, nil
}

// choose returns the workload of a name, else those whose names begin with it: components
// is components-stream and the other solutions of the same case.
func choose(from []simulation.Workload, name string) (chosen []simulation.Workload) {
	for _, w := range from {
		if w.Name == name {
			return []simulation.Workload{w}
		}
		if strings.HasPrefix(w.Name, name+"-") {
			chosen = append(chosen, w)
		}
	}
	return chosen
}

// total is what all runs found.
type total struct {
	mu                                 sync.Mutex
	faults, events, violations, alarms int
	byFault                            map[string]int
	byPhase                            map[string]int // crashes, of microbatches
	stories                            int
}

// storiesMax bounds how many failing seeds are reduced and told.
const storiesMax = 3

func run(args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.untilFound {
		untilFound(o, out)
		return nil
	}
	t := total{byFault: map[string]int{}, byPhase: map[string]int{}}
	for _, w := range o.workloads {
		before := t.events
		t.all(o, w, out)
		fmt.Fprintf(out, "%-8s seeds %d to %d, events %d\n", w.Name, o.first, o.first+o.seeds-1, t.events-before)
	}
	for f := simulation.Fault(0); ; f++ {
		n, ok := t.byFault[f.String()]
		if !ok {
			break
		}
		fmt.Fprintf(out, "  %-22s %d\n", f, n)
	}
	for _, where := range slices.Sorted(maps.Keys(t.byPhase)) {
		fmt.Fprintf(out, "    %-20s %d\n", where, t.byPhase[where])
	}
	if t.alarms > 0 {
		fmt.Fprintf(out, "  %-22s %d (runs in which a task said that a slot had lost what another one kept)\n", "alarms", t.alarms)
	}
	fmt.Fprintf(out, "seeds %d, faults %d, events %d, violations %d\n", o.seeds, t.faults, t.events, t.violations)
	if t.violations > 0 {
		return fmt.Errorf("%d violations", t.violations)
	}
	return nil
}

// all runs every seed of a workload, on all processors.
func (t *total) all(o options, w simulation.Workload, out io.Writer) {
	seeds := make(chan uint64)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for seed := range seeds {
				config := simulation.Config{Seed: seed, Workload: w, Calm: o.calm, Records: o.records}
				if o.trace {
					config.Trace, config.TraceEngine = out, o.engine
				}
				t.add(simulation.Twice(config), config, out)
			}
		})
	}
	for seed := o.first; seed < o.first+o.seeds; seed++ {
		seeds <- seed
	}
	close(seeds)
	group.Wait()
}

func (t *total) add(r *simulation.Result, config simulation.Config, out io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events += r.Events
	t.alarms += r.Alarms
	t.faults += r.FaultTotal()
	for f, n := range r.Faults {
		t.byFault[simulation.Fault(f).String()] += n
	}
	for where, n := range r.PhaseCrashes {
		t.byPhase[where] += n
	}
	t.violations += len(r.Violations)
	for _, v := range r.Violations {
		fmt.Fprintf(out, "seed %d of %s: %s\n  again: go run ./cmd/simulate -workloads %s -seed %d -trace\n", r.Seed, r.Workload, v, r.Workload, r.Seed)
	}
	if len(r.Violations) > 0 && t.stories < storiesMax {
		t.stories++
		fmt.Fprintln(out, simulation.Story(simulation.Reduce(config)))
	}
}
