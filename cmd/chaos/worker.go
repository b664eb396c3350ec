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
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// took is the line that a worker prints when a task begins to run there.
type took struct {
	Took   task.ID
	Worker string
	At     time.Time
}

// runWorker is a worker process, until it is told to end. A worker that ends by itself,
// because servers are away when it starts, is started again, as whoever keeps processes
// running would do.
func runWorker(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		err := runOnce(ctx, o)
		if err == nil || ctx.Err() != nil {
			return err
		}
		slog.Warn("the worker starts again", "cause", err)
		pause(ctx, 200*time.Millisecond)
	}
}

func runOnce(ctx context.Context, o options) error {
	under, err := subjectOf(o.module)
	if err != nil {
		return err
	}
	level, err := store.ParseLevel(o.durability)
	if err != nil {
		return err
	}
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{o.kafka}})
	if err != nil {
		return err
	}
	defer log.Close()
	state, err := openState(ctx, o.redis)
	if err != nil {
		return err
	}
	defer state.Close()
	out := &lines{to: os.Stdout}
	return worker.Run(ctx, worker.Config{
		Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{}),
		Nominations: log.Group(kafkadepot.GroupConfig{SessionTimeout: o.session}), Tasks: o.tasks, Options: runtime.Options{Durability: level},
		Logger:       slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo})),
		StartTimeout: time.Minute, // servers may be away when a worker starts
		Listener: &runtime.Listener{Took: func(i runtime.TookInfo) {
			line, err := json.Marshal(took{i.Task, o.name, time.Now()})
			if err == nil {
				_, err = out.Write(append(line, '\n'))
			}
			if err != nil {
				slog.Error("a take-over is not recorded", "cause", err)
			}
		}},
	}, under.Module())
}

// openState waits for a server that is away.
func openState(ctx context.Context, address string) (*redisstate.Store, error) {
	for {
		state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{address}, CallTimeout: callTimeout})
		if err == nil || ctx.Err() != nil {
			return state, err
		}
		slog.Warn("waiting for Redis", "cause", err)
		pause(ctx, 200*time.Millisecond)
	}
}

// callTimeout is how long a worker waits for Redis before it takes a reply for lost.
const callTimeout = 2 * time.Second

// lines keeps lines whole.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(line)
}
