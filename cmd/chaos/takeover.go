package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/internal/chaos"
	"github.com/coppice-run/coppice/task"
)

// takeovers are the times from the death of a worker to when each of its tasks ran
// again, elsewhere or there, and from its being paused to when they ran elsewhere. A
// task that nobody took while its worker was paused goes on where it stands.
func takeovers(spans []chaos.Span, tooks []took, name func(victim string) string) []time.Duration {
	slices.SortFunc(tooks, func(a, b took) int { return a.At.Compare(b.At) })
	var out []time.Duration
	for _, s := range spans {
		if s.Kind != chaos.WorkerKill && s.Kind != chaos.WorkerPause {
			continue
		}
		victim := name(s.Victim)
		owner := map[task.ID]string{}
		waiting := map[task.ID]bool{}
		for _, t := range tooks {
			switch {
			case t.At.Before(s.From):
				owner[t.Took] = t.Worker
				waiting[t.Took] = t.Worker == victim
			case s.Kind == chaos.WorkerPause && (t.Worker == victim || t.At.After(s.Until)):
				waiting[t.Took] = false
			case waiting[t.Took]:
				waiting[t.Took] = false
				out = append(out, t.At.Sub(s.From))
			}
		}
	}
	slices.Sort(out)
	return out
}

// readTooks finds the take-overs in a worker's log, and the tasks that halted.
func readTooks(log []byte) (tooks []took, halted []string) {
	scanner := bufio.NewScanner(bytes.NewReader(log))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := scanner.Text()
		switch {
		case strings.HasPrefix(line, `{"Took"`):
			var t took
			if json.Unmarshal([]byte(line), &t) == nil {
				tooks = append(tooks, t)
			}
		case strings.Contains(line, "task halted"):
			halted = append(halted, line)
		}
	}
	return tooks, halted
}

// percentile of sorted durations.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*percent/100]
}
