package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/coppice-run/coppice/internal/fleet"
)

// row is what was measured with one size.
type row struct {
	megabytes   int   // that each worker keeps
	stored      int64 // bytes that Redis keeps for all
	gaps, waits []time.Duration
	kills       []time.Duration // by kill: until the last of the worker's tasks went on
	killed      []time.Duration // by task: when it went on, beyond the session timeout
	joined      []time.Duration // pauses of tasks that were handed over to a worker that joined
	left        []time.Duration // … by one that left
	moveWaits   []time.Duration // the longest append of each hand-over
	stayed      []time.Duration // the longest gap of the tasks that did not move, of each
	pings       []time.Duration // the longest PING of Redis, of each
	machine     []time.Duration // the longest oversleeping of a timer, of each
}

// moves are all pauses of hand-overs.
func (r *row) moves() []time.Duration {
	all := slices.Concat(r.joined, r.left)
	slices.Sort(all)
	return all
}

// report prints the table and the figures, and returns what goal is missed.
func (b *bench) report(rows []row) error {
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "MB/worker\tmeasured\tn\tp50\tp90\tp99\tlongest\t")
	for _, r := range rows {
		for _, line := range []struct {
			what  string
			times []time.Duration
		}{
			{"gap between a task's records, nothing happens", r.gaps},
			{"append, nothing happens", r.waits},
			{"killed: task goes on, beyond the session", r.killed},
			{"handed over: pause of a task, a worker joins", r.joined},
			{"handed over: pause of a task, a worker leaves", r.left},
			{"longest append of each hand-over", r.moveWaits},
			{"longest gap of tasks that stay, of each", r.stayed},
			{"longest PING of Redis, of each", r.pings},
			{"longest lag of the machine's timers, of each", r.machine},
		} {
			slices.Sort(line.times)
			fmt.Fprintf(w, "%d\t%s\t%d\t%v\t%v\t%v\t%v\t\n", r.megabytes, line.what, len(line.times),
				fleet.Round(fleet.Percentile(line.times, 50)), fleet.Round(fleet.Percentile(line.times, 90)), fleet.Round(fleet.Percentile(line.times, 99)), fleet.Round(fleet.Percentile(line.times, 100)))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var killed, moved []string
	var missed []error
	for _, r := range rows {
		longest, p99 := fleet.Percentile(r.killed, 100), fleet.Percentile(r.moves(), 99)
		killed = append(killed, fmt.Sprintf("%d MB %.2f s", r.megabytes, longest.Seconds()))
		moved = append(moved, fmt.Sprintf("%d MB %d ms", r.megabytes, p99.Milliseconds()))
		if longest > b.overKill {
			missed = append(missed, fmt.Errorf("with %d MB a task of a killed worker stood still for %v beyond the session timeout, the goal is %v", r.megabytes, fleet.Round(longest), b.overKill))
		}
		if p99 > b.overMove {
			missed = append(missed, fmt.Errorf("with %d MB the 99th percentile of the pauses of hand-overs is %v, the goal is %v", r.megabytes, fleet.Round(p99), b.overMove))
		}
	}
	for _, r := range rows[1:] {
		ratio := growth(rows[0], r)
		if ratio > b.overFlat {
			missed = append(missed, fmt.Errorf("tasks of a killed worker stood still %.2f times as long with %d MB as with %d MB, the goal is %.2f", ratio, r.megabytes, rows[0].megabytes, b.overFlat))
		}
		fmt.Printf("from the kill on, %d MB to %d MB: %.3f (goal %.2f)\n", r.megabytes, rows[0].megabytes, ratio, b.overFlat)
	}
	fmt.Printf("killed: longest %s beyond a session of %v (goal %v); handed over: p99 %s (goal %v)\n",
		strings.Join(killed, ", "), b.session, b.overKill, strings.Join(moved, ", "), b.overMove)
	return errors.Join(missed...)
}

// growth is how many times as long as with a small size tasks stood still with a large one, from
// the kill on: the medians of the kills.
func growth(small, large row) float64 {
	middle := func(r row) float64 {
		return fleet.Percentile(slices.Sorted(slices.Values(r.kills)), 50).Seconds()
	}
	return middle(large) / middle(small)
}

func spread(sorted []time.Duration) string {
	return fmt.Sprintf("p50 %v p99 %v longest %v", fleet.Round(fleet.Percentile(sorted, 50)), fleet.Round(fleet.Percentile(sorted, 99)), fleet.Round(fleet.Percentile(sorted, 100)))
}
