package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/fleet"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
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
	at        fleet.Place
	fleet     *fleet.Fleet
	appenders *appenders
	client    *client.Client
	heart     *heart
	redis     *redis.Client
	prober    *prober
	kept      int // megabytes so far, of all tasks
}

// measure runs the command.
func measure(o options) error {
	sizes, err := o.megabytes()
	if err != nil {
		return err
	}
	return fleet.On("takeover", o.Folder, func(ctx context.Context, at fleet.Place) (err error) {
		b := &bench{options: o, at: at, fleet: fleet.New(at, o.Tasks), heart: &heart{}, redis: redis.NewClient(&redis.Options{Addr: at.Servers.Redis()})}
		defer func() { err = errors.Join(err, b.fleet.Close(), b.redis.Close()) }()
		c, release, err := at.Client(ctx)
		if err != nil {
			return err
		}
		defer release()
		b.client = c
		return b.run(ctx, sizes)
	})
}

// start starts a worker.
func (b *bench) start(name string) error {
	_, err := b.fleet.Start(name, "-session", b.session.String())
	return err
}

func (b *bench) run(ctx context.Context, sizes []int) error {
	for _, name := range []string{workerA, workerB} {
		if err := b.start(name); err != nil {
			return err
		}
	}
	if err := b.fleet.Shared(ctx); err != nil {
		return err
	}
	if err := b.client.Use(ctx, b.heart); err != nil {
		return err
	}
	// Filling would have Redis write its file anew time after time, each time all of it: that is
	// not what is measured, and its copy takes memory.
	if err := b.redis.ConfigSet(ctx, "auto-aof-rewrite-percentage", "0").Err(); err != nil {
		return err
	}
	b.appenders = newAppenders(b.options, b.heart, b.client)
	var rows []row
	for _, size := range sizes {
		r, err := b.size(ctx, size)
		if err != nil {
			return err
		}
		rows = append(rows, r)
	}
	return errors.Join(b.save(ctx, rows), b.report(rows))
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
	end()
	group.Wait() // the last appends are answered, or given up
	return r, b.appenders.check(func(id int) (int, error) {
		return b.heart.Counts.Key(id).Get(b.client.AtTask(ctx, task.ID(id)))
	})
}

// tellEvery is how often it is said how far filling is.
const tellEvery = 5 * time.Second

// fill has the tasks keep so many megabytes together.
func (b *bench) fill(ctx context.Context, megabytes int) error {
	numbers := make(chan int)
	var group sync.WaitGroup
	var mu sync.Mutex
	var problems []error
	for range 8 {
		group.Go(func() {
			for n := range numbers {
				_, err := fleet.UntilDone(ctx, b.client, func() (module.Acks, error) {
					return b.heart.Loads.Append(ctx, b.client, load{Task: n % b.Tasks, Number: n})
				})
				if err != nil {
					mu.Lock()
					problems = append(problems, err)
					mu.Unlock()
				}
			}
		})
	}
	for told := time.Now(); b.kept < megabytes && ctx.Err() == nil; b.kept++ {
		numbers <- b.kept
		if time.Since(told) > tellEvery {
			fmt.Printf("%d of %d MB are filled in\n", b.kept, megabytes)
			told = time.Now()
		}
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
		fleet.Pause(ctx, 200*time.Millisecond)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
}

// warm waits until every task has processed records for so long, and forgets what was
// before.
func (b *bench) warm(ctx context.Context) error {
	if err := b.appenders.Beyond(ctx, time.Second); err != nil {
		return err
	}
	b.appenders.Forget()
	return b.appenders.Beyond(ctx, 300*time.Millisecond)
}
