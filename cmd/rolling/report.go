package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/internal/fleet"
)

// report looks every acked record up, prints the figures, and returns what is wrong.
func report(ctx context.Context, l *load, pauses []time.Duration) error {
	if err := l.Failed(); err != nil {
		return err
	}
	lost, doubled, err := lookUp(ctx, l)
	if err != nil {
		return err
	}
	versions := map[int]int{}
	for _, id := range l.Samples.Tasks() {
		for _, s := range l.Of(id) {
			versions[s.Version]++
		}
	}
	fmt.Printf("records processed by version 1: %d, by version 2: %d\n", versions[first], versions[second])
	for _, what := range slices.Concat(first10(lost), first10(doubled)) {
		fmt.Println("  " + what)
	}
	slices.Sort(pauses)
	p99 := fleet.Percentile(pauses, 99)
	fmt.Printf("replaced %d workers, %d acked, lost %d, doubled %d, pause of a task p50 %v p99 %v longest %v (goal %v)\n",
		2*workerCount, len(l.acked), len(lost), len(doubled), fleet.Round(fleet.Percentile(pauses, 50)), fleet.Round(p99), longest(pauses), l.goal)
	var problems []error
	if len(lost)+len(doubled) > 0 {
		problems = append(problems, fmt.Errorf("%d records are lost and %d doubled", len(lost), len(doubled)))
	}
	if versions[first] == 0 || versions[second] == 0 {
		problems = append(problems, errors.New("one of the versions has processed nothing"))
	}
	if p99 > l.goal {
		problems = append(problems, fmt.Errorf("the 99th percentile of the pauses is %v, the goal is %v", fleet.Round(p99), l.goal))
	}
	return errors.Join(problems...)
}

// readers is how many reads are under way at once.
const readers = 16

// lookUp reads what is counted of each acked record.
func lookUp(ctx context.Context, l *load) (lost, doubled []string, err error) {
	var mu sync.Mutex
	judge := func(what string, n int, readErr error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case readErr != nil:
			err = readErr
		case n == 0:
			lost = append(lost, what)
		case n > 1:
			doubled = append(doubled, fmt.Sprintf("%s: %d times", what, n))
		}
	}
	var group sync.WaitGroup
	for r := range readers {
		group.Go(func() {
			for i := r; i < len(l.acked); i += readers {
				s := l.acked[i]
				n, err := l.till.Sold.Key(s.ID).Get(l.client.At(ctx))
				judge("sale "+s.ID, n, err)
				if s.Peer != "" {
					n, err := l.till.Booked.Key(s.Peer).Get(l.client.At(ctx))
					judge(s.Peer, n, err)
				}
			}
		})
	}
	group.Wait()
	return lost, doubled, err
}

func first10(texts []string) []string { return texts[:min(10, len(texts))] }

func longest(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return fleet.Round(slices.Max(times))
}
