package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/localcluster"
)

// localAppends is how many acked appends follow one another.
const localAppends = 1_000

// localWorkload measures the in-process cluster of tests: how long it takes from its start until
// the first append is acked, and a thousand of them, one after another. It uses no servers.
func localWorkload(ctx context.Context, _ *servers, o options, r *report) error {
	start := r.figure("local-start", "ms until the first ack", true)
	acks := r.figure("local-acks", "ms for 1,000 acked appends", true)
	for range o.rounds {
		first, all, err := localRound(ctx)
		if err != nil {
			return fmt.Errorf("in-process cluster: %w", err)
		}
		start.add(ours, milliseconds(first))
		acks.add(ours, milliseconds(all))
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// localRound takes one cluster through its first appends, and checks that they are counted.
func localRound(ctx context.Context) (first, all time.Duration, err error) {
	begin := time.Now()
	c, err := localcluster.Start(ctx, localcluster.Config{})
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = c.Close() }()
	m := &counting{name: moduleName("BenchLocal")}
	if err := c.Launch(ctx, m, localcluster.LaunchConfig{}); err != nil {
		return 0, 0, err
	}
	key := keyName(1)
	if _, err := m.Clicks.Append(ctx, c.Client(), key); err != nil {
		return 0, 0, err
	}
	first = time.Since(begin)
	begin = time.Now()
	for range localAppends {
		if _, err := m.Clicks.Append(ctx, c.Client(), key); err != nil {
			return 0, 0, err
		}
	}
	all = time.Since(begin)
	n, err := m.Counts.Key(key).Get(c.Client().At(ctx))
	if err == nil && n != localAppends+1 {
		err = fmt.Errorf("%d appends are counted, and there were %d: the round is void", n, localAppends+1)
	}
	return first, all, err
}
