package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"
)

// stage is a part of an event's way, known by functions that only it calls.
type stage struct {
	name  string
	marks []string
}

// stages, in the order in which they are looked for. A sample belongs to the stage whose
// function is nearest to its leaf.
var stages = []stage{
	{"collect", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart", "runtime.GC"}},
	{"fetch", []string{"kgo.", "kafkadepot.", "kmsg.", "kbin."}},
	{"decode", []string{"module.DeclareSource", ".decode", "codec.", "strings.genSplit"}},
	{"read, overlay", []string{"internal/overlay.Update", "internal/overlay.Lookup", "internal/overlay.find", "pstate.", "module/agg."}},
	{"encode", []string{"internal/overlay.(*View).Seal", "redisstate.(*arguments)", "go-redis/v9/internal/proto.(*Writer)"}},
	{"EXEC", []string{"redisstate.", "go-redis/"}},
	{"hop", []string{"internal/host.", "module.(*stepDecl", "module.Step", "internal/wire.", "runtime.(*Task).ship", "memtransport", "coppice/runtime.(*Task).onFrame", "coppice/runtime.(*Task).enqueue"}},
	{"ack, release", []string{"coppice/runtime.(*Task).release", "coppice/runtime.(*Task).onAck", "coppice/acker.", "coppice/runtime.(*Task).finish", "coppice/runtime.(*Task).treeDone"}},
	{"dispatch", []string{"coppice/runtime.", "coppice/worker.", "coppice/module."}},
	{"bench", []string{"main."}},
}

// other is where samples of no stage go: the scheduler, timers, what waits.
const other = "scheduler and other"

// profileWorkload measures where time goes: CPU per event by stage, and what is allocated.
func profileWorkload(ctx context.Context, s *servers, o options, r *report) error {
	for name := range strings.SplitSeq(o.profiled, ",") {
		in, subject, err := s.profiled(ctx, o, name)
		if err != nil {
			return err
		}
		err = s.profile(ctx, o, r, in, subject, name)
		if in.topic != "" {
			s.drop(ctx, in)
		}
		if err != nil {
			return fmt.Errorf("profile of %s: %w", name, err)
		}
	}
	return nil
}

func (s *servers) profile(ctx context.Context, o options, r *report, in *input, subject subject, name string) error {
	var rounds []float64
	file, err := os.CreateTemp("", "coppice-profile-"+name+"-*.prof")
	if err != nil {
		return err
	}
	defer file.Close()
	// A first round fills pools and caches.
	if err := subject.prepare(ctx, in); err != nil {
		return err
	}
	if _, err := subject.run(ctx, in); err != nil && !errors.Is(err, errRetried) {
		return err
	}
	var before, after runtime.MemStats
	if err := subject.prepare(ctx, in); err != nil {
		return err
	}
	forgetPeak()
	runtime.ReadMemStats(&before)
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	var spent usage
	for range o.rounds {
		if err := subject.prepare(ctx, in); err != nil {
			return err
		}
		begun, err := s.usage(ctx)
		if err != nil {
			return err
		}
		took, err := subject.run(ctx, in)
		if errors.Is(err, errRetried) {
			continue // its events ran more than once
		}
		if err != nil {
			return err
		}
		ended, err := s.usage(ctx)
		if err != nil {
			return err
		}
		spent.add(begun, ended)
		rounds = append(rounds, float64(in.events)/took.Seconds())
	}
	if len(rounds) == 0 {
		return errRetried
	}
	pprof.StopCPUProfile()
	runtime.ReadMemStats(&after)
	events := float64(in.events * len(rounds))
	b := &budget{
		Workload: name, Events: spread(rounds, "events/s"),
		Objects: float64(after.Mallocs-before.Mallocs) / events, Bytes: float64(after.TotalAlloc-before.TotalAlloc) / events,
		ResidentMB: peakResident(), Usage: spent.over(events),
	}
	r.Budgets = append(r.Budgets, b)
	if err := b.split(ctx, file.Name(), events); err != nil {
		return err
	}
	b.print(r.out)
	fmt.Fprintf(r.out, "go tool pprof %s\n", file.Name())
	return nil
}

// budget is what one event costs.
type budget struct {
	Workload   string
	Events     string // how fast it was meanwhile
	Stages     []spent
	Nanos      float64 // CPU time per event, of this process
	Objects    float64 // allocated per event, checking the result included
	Bytes      float64
	ResidentMB float64 // the most that this process had, what the checker knows included
	Usage      usage   // per event
}

type spent struct {
	Stage string
	Nanos float64 // per event
}

// profiled is the input and the subject of a profile.
func (s *servers) profiled(ctx context.Context, o options, name string) (*input, subject, error) {
	switch name {
	case "count":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "clicks", tasks, o.count, keysOf(100_000))
		return in, s.module(ours, newCounting), err
	case "words":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "sentences", tasks, o.words, sentencesOf(10))
		return in, s.module(ours, newWording), err
	case "hand":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "clicks", tasks, o.count, keysOf(100_000))
		return in, s.handWritten(false), err
	case "exactly-once":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "sentences", tasks, o.words, sentencesOf(10))
		return in, s.module(ours, newExactWording), err
	case "microbatch":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "sentences", tasks, o.words, sentencesOf(10))
		return in, s.module(ours, newMicroWording), err
	case "ack", "ack-64", "floor", "floor-64":
		in, subject := s.acked(o, name)
		return in, subject, nil
	}
	return nil, subject{}, fmt.Errorf("no profile of %q: count, words, exactly-once, microbatch or hand; ack or ack-64, or floor or floor-64 beside them", name)
}

// split shares the CPU time of a profile out among the stages.
func (b *budget) split(ctx context.Context, profile string, events float64) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	raw, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", executable, profile).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof: %w", err)
	}
	times := map[string]time.Duration{}
	for _, sample := range samplesOf(raw) {
		times[stageOf(sample.stack)] += sample.time
	}
	for _, s := range append(stages, stage{name: other}) {
		nanos := float64(times[s.name].Nanoseconds()) / events
		b.Stages = append(b.Stages, spent{s.name, nanos})
		b.Nanos += nanos
	}
	return nil
}

func (b *budget) print(out io.Writer) {
	fmt.Fprintf(out, "%s: %s\n%-24s %8s %7s\n", b.Workload, b.Events, "stage", "ns/event", "share")
	for _, s := range b.Stages {
		fmt.Fprintf(out, "%-24s %8.0f %6.1f%%\n", s.Stage, s.Nanos, 100*s.Nanos/b.Nanos)
	}
	fmt.Fprintf(out, "%-24s %8.0f\n", "all", b.Nanos)
	fmt.Fprintf(out, "%.2f objects and %.0f bytes allocated per event; at most %.0f MB resident\n", b.Objects, b.Bytes, b.ResidentMB)
	fmt.Fprintln(out, b.Usage)
}

// forgetPeak gives back what filling the topic took, and has peakResident count from now on.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where Linux does not let, the peak is that of before
}

// peakResident is the most memory that this process has had, in MB; 0 where Linux does not say.
func peakResident() float64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kB float64
			_, _ = fmt.Sscan(rest, &kB) // 0 if it is none
			return kB / 1024
		}
	}
	return 0
}

// sample is a stack that was seen running, the leaf first.
type sample struct {
	time  time.Duration
	stack []string
}

// samplesOf reads what pprof -traces prints: samples apart by lines of dashes, the first
// line of each with its time.
func samplesOf(raw []byte) (samples []sample) {
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	begun := false
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "-----") {
			samples, begun = append(samples, sample{}), true
			continue
		}
		if !begun || line == "" {
			continue
		}
		last := &samples[len(samples)-1]
		if len(last.stack) == 0 {
			value, frame, ok := strings.Cut(line, " ")
			took, err := time.ParseDuration(value)
			if !ok || err != nil {
				continue // a label
			}
			last.time, line = took, strings.TrimSpace(frame)
		}
		last.stack = append(last.stack, line)
	}
	return samples
}

// stageOf finds the stage that a stack belongs to.
func stageOf(stack []string) string {
	for _, frame := range stack {
		for _, s := range stages {
			for _, mark := range s.marks {
				if strings.Contains(frame, mark) {
					return s.name
				}
			}
		}
	}
	return other
}
