package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// options are the command's flags.
type options struct {
	sizes    string
	kills    int
	moves    int
	tasks    int
	loops    int
	pace     time.Duration
	session  time.Duration
	overKill time.Duration
	overMove time.Duration
	folder   string
	// Of a worker process.
	name, kafka, redis string
}

func main() {
	var o options
	flag.StringVar(&o.sizes, "sizes", "10,1000", "megabytes of PStates that each worker keeps, with commas")
	flag.IntVar(&o.kills, "kills", 5, "workers killed for each size")
	flag.IntVar(&o.moves, "moves", 10, "times that a worker joins and leaves for each size")
	flag.IntVar(&o.tasks, "tasks", 12, "tasks of the module")
	flag.IntVar(&o.loops, "loops", 2, "appenders of each task")
	flag.DurationVar(&o.pace, "pace", 6*time.Millisecond, "pause of an appender between two appends")
	flag.DurationVar(&o.session, "session", 6*time.Second, "session timeout of the workers with Kafka")
	flag.DurationVar(&o.overKill, "goal-killed", time.Second, "goal: the longest that a task of a killed worker stands still beyond the session timeout")
	flag.DurationVar(&o.overMove, "goal-handed-over", 200*time.Millisecond, "goal: 99th percentile of the pauses of tasks that are handed over")
	flag.StringVar(&o.folder, "folder", "", "where servers and logs are kept; default: a temporary folder, removed at the end")
	flag.StringVar(&o.name, "worker", "", "be the worker of this name (for the command itself)")
	flag.StringVar(&o.kafka, "kafka", "", "of a worker: host:port of Kafka")
	flag.StringVar(&o.redis, "redis", "", "of a worker: host:port of Redis")
	flag.Parse()
	run := measure
	if o.name != "" {
		run = runWorker
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "takeover:", err)
		os.Exit(1)
	}
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
