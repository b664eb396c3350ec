package fleet

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// Options are flags of a command that has a fleet. It is a worker itself where Name is set.
type Options struct {
	Tasks  int
	Folder string // of servers and logs

	Name, kafka, redis string
}

// Register declares the flags.
func (o *Options) Register(flags *flag.FlagSet) {
	flags.IntVar(&o.Tasks, "tasks", 12, "tasks of the module")
	flags.StringVar(&o.Folder, "folder", "", "where servers and logs are kept; default: a temporary folder, removed at the end")
	flags.StringVar(&o.Name, "worker", "", "be the worker of this name (for the command itself)")
	flags.StringVar(&o.kafka, "kafka", "", "of a worker: host:port of Kafka")
	flags.StringVar(&o.redis, "redis", "", "of a worker: host:port of Redis")
}

// WorkerConfig is what workers of a command have of their own.
type WorkerConfig struct {
	Session time.Duration // with Kafka; 0: the default
	Options runtime.Options
	Level   slog.Level // of the log
}

// Work is a worker process. It ends with SIGTERM, in good order, and with the process that
// started it, which holds the other end of its standard input.
func (o *Options) Work(config WorkerConfig, m module.Module) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2) // orphaned
	}()
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{o.kafka}})
	if err != nil {
		return err
	}
	defer log.Close()
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{o.redis}})
	if err != nil {
		return err
	}
	defer state.Close()
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	return worker.Run(ctx, worker.Config{
		Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{}),
		Nominations: log.Group(kafkadepot.GroupConfig{SessionTimeout: config.Session}), Tasks: o.Tasks,
		Logger:       slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: config.Level})),
		StartTimeout: time.Minute,
		Options:      config.Options,
		Listener: &runtime.Listener{Took: func(i runtime.TookInfo) {
			mu.Lock()
			defer mu.Unlock()
			if err := out.Encode(Took{i.Task, o.Name, time.Now().UnixNano()}); err != nil {
				slog.Error("a take-over is not told", "cause", err)
			}
		}},
	}, m)
}
