package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// took is the line that a worker prints when a task begins to run there.
type took struct {
	Took   task.ID
	Worker string
	At     int64 // as in pulse
}

// runWorker is a worker process. It ends with SIGTERM, in good order, and with the
// process that started it, which holds the other end of its standard input.
func runWorker(o options) error {
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
		Nominations: log.Group(kafkadepot.GroupConfig{}), Tasks: o.tasks,
		Logger:       slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
		StartTimeout: time.Minute,
		Listener: &runtime.Listener{Took: func(i runtime.TookInfo) {
			mu.Lock()
			defer mu.Unlock()
			if err := out.Encode(took{i.Task, o.name, time.Now().UnixNano()}); err != nil {
				slog.Error("a take-over is not told", "cause", err)
			}
		}},
	}, versioned(o.version, o.name))
}
