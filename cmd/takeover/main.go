package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-run/coppice/internal/environment"
	"github.com/coppice-run/coppice/internal/fleet"
	"github.com/coppice-run/coppice/runtime"
)

// options are the command's flags.
type options struct {
	fleet.Options
	sizes    string
	kills    int
	moves    int
	loops    int
	pace     time.Duration
	session  time.Duration
	overKill time.Duration
	overMove time.Duration
	overFlat float64
	json     string
	shared   string
	flags    string // as they were given, for the file
}

func main() {
	var o options
	o.Register(flag.CommandLine)
	flag.StringVar(&o.sizes, "sizes", "10,1000", "megabytes of PStates that each worker keeps, with commas")
	flag.IntVar(&o.kills, "kills", 5, "workers killed for each size")
	flag.IntVar(&o.moves, "moves", 10, "times that a worker joins and leaves for each size")
	flag.IntVar(&o.loops, "loops", 2, "appenders of each task")
	flag.DurationVar(&o.pace, "pace", 6*time.Millisecond, "pause of an appender between two appends")
	flag.DurationVar(&o.session, "session", 6*time.Second, "session timeout of the workers with Kafka")
	flag.DurationVar(&o.overKill, "goal-killed", time.Second, "goal: the longest that a task of a killed worker stands still beyond the session timeout")
	flag.DurationVar(&o.overMove, "goal-handed-over", 200*time.Millisecond, "goal: 99th percentile of the pauses of tasks that are handed over")
	flag.Float64Var(&o.overFlat, "goal-flat", 1.2, "goal: how many times as long as with the smallest size tasks of a killed worker stand still with each other one, in the median, the session timeout included")
	flag.StringVar(&o.json, "json", "", "write the figures into this file, too")
	flag.StringVar(&o.shared, "shared", "", "who else uses the machine, for the file")
	flag.Parse()
	o.flags = environment.Options(flag.CommandLine, "json", "shared", "folder")
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "takeover:", err)
		os.Exit(1)
	}
}

func (o options) run() error {
	if o.Name == "" {
		return measure(o)
	}
	return o.Work(fleet.WorkerConfig{
		Session: o.session, Level: slog.LevelDebug,
		Options: runtime.Options{CacheEntriesMax: 1000}, // what is kept lies in Redis, not here
	}, &heart{worker: o.Name})
}

// megabytes reads the sizes.
func (o *options) megabytes() ([]int, error) {
	var sizes []int
	for text := range strings.SplitSeq(o.sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-sizes %s: want megabytes with commas", o.sizes)
		}
		if len(sizes) > 0 && n <= sizes[len(sizes)-1] {
			return nil, errors.New("-sizes: each must be larger than the one before: the state grows")
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}
