package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

// options are the command's flags.
type options struct {
	tasks  int
	loops  int
	pace   time.Duration
	goal   time.Duration
	folder string
	// Of a worker process.
	name, kafka, redis string
	version            int
}

func main() {
	var o options
	flag.IntVar(&o.tasks, "tasks", 12, "tasks of the module")
	flag.IntVar(&o.loops, "loops", 1, "appenders of each task")
	flag.DurationVar(&o.pace, "pace", 10*time.Millisecond, "pause of an appender between two appends")
	flag.DurationVar(&o.goal, "goal", 200*time.Millisecond, "goal: 99th percentile of the pauses of tasks whose worker is replaced")
	flag.StringVar(&o.folder, "folder", "", "where servers and logs are kept; default: a temporary folder, removed at the end")
	flag.StringVar(&o.name, "worker", "", "be the worker of this name (for the command itself)")
	flag.IntVar(&o.version, "version", 1, "of a worker: the version of the module")
	flag.StringVar(&o.kafka, "kafka", "", "of a worker: host:port of Kafka")
	flag.StringVar(&o.redis, "redis", "", "of a worker: host:port of Redis")
	flag.Parse()
	run := roll
	if o.name != "" {
		run = runWorker
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "rolling:", err)
		os.Exit(1)
	}
}
