package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/internal/chaos"
)

// report prints what happened, and returns an error if it should not have.
func (c *campaign) report(v *verdict, spans []chaos.Span) error {
	var tooks []took
	var halted []string
	for i := range c.workers {
		log, err := c.rig.Log(c.worker(i))
		if err != nil {
			return err
		}
		t, h := readTooks(log)
		tooks, halted = append(tooks, t...), append(halted, h...)
	}
	times := takeovers(spans, tooks, func(victim string) string { return strings.ReplaceAll(victim, " ", "-") })
	counts := map[chaos.Kind]int{}
	for _, s := range spans {
		counts[s.Kind]++
	}
	for _, kind := range chaos.Kinds() {
		fmt.Printf("  %-14s %d\n", kind, counts[kind])
	}
	var wrong []error
	complain := func(what string, list []string) {
		if len(list) > 0 {
			wrong = append(wrong, fmt.Errorf("%d %s:\n%s", len(list), what, strings.Join(list[:min(len(list), 10)], "\n")))
		}
	}
	complain("acked and lost", v.lost)
	complain("doubled", v.doubled)
	complain("tasks halted", halted)
	if len(v.strange) > 0 {
		wrong = append(wrong, fmt.Errorf("%d appends ended as none may: %w", len(v.strange), errors.Join(v.strange[:min(len(v.strange), 10)]...)))
	}
	fmt.Printf("%s, take-overs %d, longest time between faults %.1f s\n", v.told(), len(times), gap(spans).Seconds())
	fmt.Printf("faults %d, appends %d, acked and lost %d, %s %d, takeover p50 %.2f s p99 %.2f s\n",
		len(spans), v.appends, len(v.lost), v.what, len(v.doubled), percentile(times, 50).Seconds(), percentile(times, 99).Seconds())
	return errors.Join(wrong...)
}

// gap is the longest time from the beginning of one fault to that of the next.
func gap(spans []chaos.Span) time.Duration {
	var longest time.Duration
	slices.SortFunc(spans, func(a, b chaos.Span) int { return a.From.Compare(b.From) })
	for i := 1; i < len(spans); i++ {
		longest = max(longest, spans[i].From.Sub(spans[i-1].From))
	}
	return longest
}
