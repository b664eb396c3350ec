package main

import (
	"context"
	"fmt"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
)

// usage is what a round takes of the machine, which depends less on who else uses it than
// time does.
type usage struct {
	ProcessNanos float64 // CPU time of this process
	RedisNanos   float64 // CPU time of the Redis server, its background threads included
	Commits      float64 // EXECs
	Commands     float64
	BytesIn      float64 // that Redis was sent
	BytesOut     float64
	Produces     float64 // requests to brokers
	Fetches      float64
	Switches     float64 // of goroutines: how often one begins to run; about, the runtime counts one in eight
	Waits        float64 // of threads, for something else than a processor
}

// usage is what was taken so far.
func (s *servers) usage(ctx context.Context) (u usage, err error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return u, err
	}
	u.ProcessNanos = float64(r.Utime.Nano() + r.Stime.Nano())
	u.Produces, u.Fetches = float64(s.asked.produces.Load()), float64(s.asked.fetches.Load())
	u.Waits, u.Switches = float64(r.Nvcsw), switches()
	info, err := s.redis.InfoMap(ctx, "cpu", "stats", "commandstats").Result()
	if err != nil {
		return u, fmt.Errorf("INFO: %w", err)
	}
	number := func(section, field string) float64 {
		n, _ := strconv.ParseFloat(info[section][field], 64) // 0 where the server does not say
		return n
	}
	u.RedisNanos = 1e9 * (number("CPU", "used_cpu_user") + number("CPU", "used_cpu_sys"))
	u.Commands = number("Stats", "total_commands_processed")
	u.BytesIn, u.BytesOut = number("Stats", "total_net_input_bytes"), number("Stats", "total_net_output_bytes")
	for part := range strings.SplitSeq(info["Commandstats"]["cmdstat_exec"], ",") {
		if calls, ok := strings.CutPrefix(part, "calls="); ok {
			u.Commits, _ = strconv.ParseFloat(calls, 64)
		}
	}
	return u, nil
}

// add adds what was taken between two moments.
func (u *usage) add(from, to usage) {
	u.ProcessNanos += to.ProcessNanos - from.ProcessNanos
	u.RedisNanos += to.RedisNanos - from.RedisNanos
	u.Commits += to.Commits - from.Commits
	u.Commands += to.Commands - from.Commands
	u.BytesIn += to.BytesIn - from.BytesIn
	u.BytesOut += to.BytesOut - from.BytesOut
	u.Produces += to.Produces - from.Produces
	u.Fetches += to.Fetches - from.Fetches
	u.Switches += to.Switches - from.Switches
	u.Waits += to.Waits - from.Waits
}

// switches is how often goroutines began to run so far.
func switches() float64 {
	const one = 8 // of so many is counted
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0 // this runtime does not say
	}
	var sum uint64
	for _, n := range sample[0].Value.Float64Histogram().Counts {
		sum += n
	}
	return one * float64(sum)
}

// over shares it out among so many events.
func (u usage) over(events float64) usage {
	return usage{u.ProcessNanos / events, u.RedisNanos / events, u.Commits / events, u.Commands / events, u.BytesIn / events, u.BytesOut / events, u.Produces / events, u.Fetches / events, u.Switches / events, u.Waits / events}
}

func (u usage) String() string {
	perCommit := func(n float64) float64 { return n / max(u.Commits, 1e-12) }
	return fmt.Sprintf("CPU per event: %.0f ns here, %.0f ns in Redis; %.1f commits per 1,000 events; per commit %.0f events, %.1f commands, %.0f bytes in; per event %.0f bytes in, %.0f out; per 1,000 events %.0f appends and %.0f reads of Kafka; %.1f switches of goroutines and %.1f waits of threads per event",
		u.ProcessNanos, u.RedisNanos, 1000*u.Commits, perCommit(1), perCommit(u.Commands), perCommit(u.BytesIn), u.BytesIn, u.BytesOut, 1000*u.Produces, 1000*u.Fetches, u.Switches, u.Waits)
}
