package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"time"
)

// options are the command's flags.
type options struct {
	minutes    float64
	seed       uint64
	tasks      int
	workers    int
	appenders  int
	loops      int
	session    time.Duration
	folder     string
	plan       bool
	kinds      string
	module     string
	durability string
	synced     bool // Redis writes to the disk before it answers
	killEvery  time.Duration
	// Of a worker process.
	name, kafka, redis string
}

// bankKinds are the faults beside the workers that are killed by the clock: those that
// last longer than the clock's stroke with Kafka away would leave no worker that runs.
const bankKinds = "redis-cut,redis-stall,redis-restart,redis-kill,redis-tail,redis-promote,redis-full,kafka-cut,kafka-stall"

// defaults are those of the module. Where workers are killed by the clock, many loops wait
// for the tasks of one that is away: more of them keep the others at work, and a short
// session has tasks taken over before the next stroke.
func (o *options) defaults() {
	kinds, kill, loops, session := "", time.Duration(0), 4, 6*time.Second
	if o.module == "bank" || o.module == "bank-microbatch" {
		kinds, kill, loops, session = bankKinds, 2*time.Second, 16, 2*time.Second
	}
	o.kinds, o.loops, o.session = cmp.Or(o.kinds, kinds), cmp.Or(o.loops, loops), cmp.Or(o.session, session)
	if o.module == "bank-microbatch" {
		o.durability = cmp.Or(o.durability, "replicated 1")
		o.synced = o.durability != "applied"
	}
	o.durability = cmp.Or(o.durability, "applied")
	if o.killEvery < 0 {
		o.killEvery = kill
	}
}

func main() {
	var o options
	flag.Float64Var(&o.minutes, "minutes", 3, "how long things break")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano())%1_000_000, "of the plan")
	flag.IntVar(&o.tasks, "tasks", 12, "tasks of the module")
	flag.IntVar(&o.workers, "workers", 3, "worker processes")
	flag.IntVar(&o.appenders, "appenders", 3, "appenders")
	flag.IntVar(&o.loops, "loops", 0, "loops of each appender, of which each waits for its answer; default: 16 of the bank, else 4")
	flag.DurationVar(&o.session, "session", 0, "session timeout of the workers with Kafka; default: 2s of the bank, else 6s")
	flag.StringVar(&o.folder, "folder", "", "where servers, logs and the timeline are kept; default: a temporary folder")
	flag.BoolVar(&o.plan, "plan", false, "print the plan and end")
	flag.StringVar(&o.kinds, "kinds", "", "kinds of faults, with commas; default: all, of the bank those of Redis and of connections to Kafka")
	flag.StringVar(&o.module, "module", "ledger", "what runs: ledger, at least once, bank, exactly once, or bank-microbatch")
	flag.StringVar(&o.durability, "durability", "", "where commits must be before anything that rests on them leaves: applied, replicated 1, ...; default: replicated 1 of bank-microbatch, whose output is to be there once, with a Redis that writes to the disk before it answers; else applied")
	flag.DurationVar(&o.killEvery, "kill-every", -1, "kill a worker each so often, beside faults of the servers; 0: as other faults; default: 2s of the bank, else 0")
	flag.StringVar(&o.name, "worker", "", "be the worker of this name (for the command itself)")
	flag.StringVar(&o.kafka, "kafka", "", "of a worker: host:port of Kafka")
	flag.StringVar(&o.redis, "redis", "", "of a worker: host:port of Redis")
	flag.Parse()
	o.defaults()
	run := runCampaign
	if o.name != "" {
		run = runWorker
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}
