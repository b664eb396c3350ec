package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
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

// budget is what one event costs.
type budget struct {
	Workload   string
	Events     string // how fast it was meanwhile
	Stages     []spent
	Nanos      float64 // CPU time per event, of this process
	Objects    float64 // allocated per event
	Bytes      float64
	ResidentMB float64 // the most that this process had, what the checker knows included
	Usage      usage   // per event
}

type spent struct {
	Stage string
	Nanos float64 // per event
}

// split shares the CPU time of profiles out among the stages.
func (b *budget) split(ctx context.Context, profiles []string, events float64) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	raw, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-traces", executable}, profiles...)...).Output()
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
