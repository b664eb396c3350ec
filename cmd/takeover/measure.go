package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// The workers that share the tasks, and the one that joins and leaves.
const (
	workerA = "worker-a"
	workerB = "worker-b"
	guest   = "guest"
)

// bench is one run of the command.
type bench struct {
	options
	fleet     *fleet
	appenders *appenders
	client    *client.Client
	heart     *heart
	redis     *redis.Client
	prober    *prober
	kept      int // megabytes so far, of all tasks
}

// measure runs the command.
func measure(o options) (err error) {
	sizes, err := o.megabytes()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.folder == "" {
		if o.folder, err = os.MkdirTemp("", "coppice-takeover-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.folder)) }()
	}
	servers, err := stack.Up(ctx, stack.Config{Folder: o.folder, Parts: stack.Parts{Kafka: true, Redis: true}, EndWithCaller: true, Progress: func(line string) { fmt.Println(line) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Down(context.Background(), o.folder, false)) }()
	logs := filepath.Join(o.folder, "workers")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	b := &bench{options: o, fleet: newFleet(o, servers, logs), heart: &heart{}, redis: redis.NewClient(&redis.Options{Addr: servers.Redis()})}
	defer func() { err = errors.Join(err, b.fleet.close(), b.redis.Close()) }()
	return b.run(ctx, sizes)
}

func (b *bench) run(ctx context.Context, sizes []int) error {
	for _, name := range []string{workerA, workerB} {
		if err := b.fleet.start(name); err != nil {
			return err
		}
	}
	if err := b.fleet.shared(ctx); err != nil {
		return err
	}
	release, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer release()
	var rows []row
	for _, size := range sizes {
		r, err := b.size(ctx, size)
		if err != nil {
			return err
		}
		rows = append(rows, r)
	}
	return b.report(rows)
}

// open makes the client.
func (b *bench) open(ctx context.Context) (release func(), err error) {
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{b.fleet.servers.Kafka()}})
	if err != nil {
		return nil, err
	}
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{b.fleet.servers.Redis()}})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	b.client, err = client.New(client.Config{Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{})})
	if err == nil {
		err = b.client.Use(ctx, b.heart)
	}
	if err != nil {
		return nil, errors.Join(err, state.Close(), log.Close())
	}
	b.appenders = newAppenders(b.options, b.heart, b.client)
	return func() { _ = errors.Join(b.client.Close(), state.Close(), log.Close()) }, nil
}

// size measures with so many megabytes on each worker.
func (b *bench) size(ctx context.Context, megabytes int) (r row, err error) {
	r.megabytes = megabytes
	begun := time.Now()
	if err := b.fill(ctx, 2*megabytes); err != nil {
		return r, err
	}
	if r.stored, err = b.settled(ctx); err != nil {
		return r, err
	}
	fmt.Printf("%d MB in Redis after %v; now the load\n", r.stored>>20, time.Since(begun).Round(time.Second))
	loadCtx, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { b.appenders.run(loadCtx) })
	b.prober = &prober{redis: b.redis}
	group.Go(func() { b.prober.run(loadCtx) })
	defer group.Wait()
	defer end()
	if err := b.steady(ctx, &r); err != nil {
		return r, err
	}
	for i := range b.kills {
		if err := b.killed(ctx, []string{workerA, workerB}[i%2], &r); err != nil {
			return r, err
		}
	}
	for range b.moves {
		if err := b.joined(ctx, &r); err != nil {
			return r, err
		}
		if err := b.left(ctx, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// fill has the tasks keep so many megabytes together.
func (b *bench) fill(ctx context.Context, megabytes int) error {
	numbers := make(chan int)
	var group sync.WaitGroup
	var mu sync.Mutex
	var problems []error
	for range 8 {
		group.Go(func() {
			for n := range numbers {
				_, err := untilDone(ctx, b.client, func() (module.Acks, error) {
					return b.heart.Loads.Append(ctx, b.client, load{Task: n % b.tasks, Number: n})
				})
				if err != nil {
					mu.Lock()
					problems = append(problems, err)
					mu.Unlock()
				}
			}
		})
	}
	for ; b.kept < megabytes && ctx.Err() == nil; b.kept++ {
		numbers <- b.kept
	}
	close(numbers)
	group.Wait()
	return errors.Join(problems...)
}

// settled waits until Redis has nothing to do with what was filled in, and returns how
// much it keeps.
func (b *bench) settled(ctx context.Context) (bytes int64, err error) {
	for {
		info, err := b.redis.Info(ctx, "persistence", "memory").Result()
		if err != nil {
			return 0, err
		}
		if strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0") && strings.Contains(info, "aof_pending_bio_fsync:0") {
			for line := range strings.Lines(info) {
				if text, ok := strings.CutPrefix(line, "used_memory:"); ok {
					_, err := fmt.Sscan(text, &bytes)
					return bytes, err
				}
			}
		}
		pause(ctx, 200*time.Millisecond)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
}

// all lists the tasks.
func (b *bench) all() []task.ID {
	ids := make([]task.ID, b.tasks)
	for i := range ids {
		ids[i] = task.ID(i)
	}
	return ids
}

// warm waits until every task has processed records for so long, and forgets what was
// before.
func (b *bench) warm(ctx context.Context) error {
	until := time.Now().Add(time.Second).UnixNano()
	if err := b.appenders.await(ctx, b.all(), func(s sample) bool { return s.At >= until }); err != nil {
		return err
	}
	b.appenders.forget()
	until = time.Now().Add(300 * time.Millisecond).UnixNano()
	return b.appenders.await(ctx, b.all(), func(s sample) bool { return s.At >= until })
}
