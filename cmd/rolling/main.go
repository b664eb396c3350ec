package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/coppice-run/coppice/internal/fleet"
)

// options are the command's flags.
type options struct {
	fleet.Options
	loops   int
	pace    time.Duration
	goal    time.Duration
	version int // of a worker
}

func main() {
	var o options
	o.Register(flag.CommandLine)
	flag.IntVar(&o.loops, "loops", 1, "appenders of each task")
	flag.DurationVar(&o.pace, "pace", 10*time.Millisecond, "pause of an appender between two appends")
	flag.DurationVar(&o.goal, "goal", 200*time.Millisecond, "goal: 99th percentile of the pauses of tasks whose worker is replaced")
	flag.IntVar(&o.version, "version", 1, "of a worker: the version of the module")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "rolling:", err)
		os.Exit(1)
	}
}

func (o options) run() error {
	if o.Name != "" {
		return o.Work(fleet.WorkerConfig{Level: slog.LevelInfo}, versioned(o.version, o.Name))
	}
	return roll(o)
}
