package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/chaos"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// runCampaign breaks things and checks what is left.
func runCampaign(o options) (err error) {
	redis.SetLogger(silent{}) // servers go away on purpose here
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	under, err := subjectOf(o.module)
	if err != nil {
		return err
	}
	plan, err := chaos.Draw(chaos.Config{Seed: o.seed, Duration: time.Duration(o.minutes * float64(time.Minute)), Workers: o.workers, SessionTimeout: o.session, Kinds: kinds(o.kinds), KillEvery: o.killEvery})
	if err != nil {
		return err
	}
	if o.plan {
		fmt.Print(plan)
		return nil
	}
	if o.folder == "" {
		if o.folder, err = os.MkdirTemp("", "coppice-chaos-"); err != nil {
			return err
		}
	}
	fmt.Printf("seed %d, %d faults planned in %v; logs and timeline in %s\n", o.seed, len(plan.Faults), plan.Duration, o.folder)
	config := stack.RigConfig{Folder: filepath.Join(o.folder, "servers"), Doors: o.workers + 1, Progress: func(line string) { fmt.Println(line) }}
	if o.synced {
		config.RedisArguments = []string{"--appendfsync", "always"}
	}
	rig, err := stack.OpenRig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rig.Close(context.Background())) }()
	c := &campaign{options: o, rig: rig, plan: plan, subject: under}
	return c.run(ctx)
}

func kinds(list string) []chaos.Kind {
	var out []chaos.Kind
	for name := range strings.SplitSeq(list, ",") {
		if name != "" {
			out = append(out, chaos.Kind(name))
		}
	}
	return out
}

// campaign is one run.
type campaign struct {
	options
	rig     *stack.Rig
	plan    chaos.Plan
	subject subject
}

func (c *campaign) worker(i int) string { return fmt.Sprint("worker-", i+1) }

func (c *campaign) run(ctx context.Context) error {
	if out, ok := c.subject.(outputs); ok {
		if err := out.makeTopics(ctx, c.rig.Kafka().Address()); err != nil {
			return err
		}
	}
	if err := c.launch(); err != nil {
		return err
	}
	defer c.keepLogs()
	cl, release, err := c.client(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := c.use(ctx, cl); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(c.folder, "timeline.jsonl"))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := c.subject.prepare(ctx, cl); err != nil {
		return err
	}
	a := &appenders{subject: c.subject, client: cl}
	broken, err := c.breakThings(ctx, a, chaos.NewTimeline(file))
	if err != nil {
		return err
	}
	fmt.Println("all is mended and every append has an answer; reading what is left")
	v, err := c.subject.check(ctx, cl)
	if err != nil {
		return err
	}
	if out, ok := c.subject.(outputs); ok {
		if err := out.checkTopics(ctx, c.rig.Kafka().Address(), c.synced, v); err != nil {
			return err
		}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	entries, err := chaos.ReadTimeline(file)
	if err != nil {
		return err
	}
	return errors.Join(broken, c.report(v, chaos.Spans(entries)))
}

// launch starts the workers.
func (c *campaign) launch() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for i := range c.workers {
		_, err := c.rig.Launch(c.worker(i), nil, self, "-worker", c.worker(i), "-module", c.module, "-durability", c.durability, "-tasks", fmt.Sprint(c.tasks), "-session", c.session.String(),
			"-kafka", c.rig.Kafka().Address(), "-redis", c.rig.Doors()[i].Address())
		if err != nil {
			return err
		}
	}
	return nil
}

// keepLogs copies what the workers have written: the rig removes its folder.
func (c *campaign) keepLogs() {
	for i := range c.workers {
		log, err := c.rig.Log(c.worker(i))
		if err == nil {
			err = os.WriteFile(filepath.Join(c.folder, c.worker(i)+".log"), log, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "chaos: a log is not kept:", err)
		}
	}
}

// client comes to Redis by a door of its own, the last.
func (c *campaign) client(ctx context.Context) (*client.Client, func(), error) {
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{c.rig.Kafka().Address()}})
	if err != nil {
		return nil, nil, err
	}
	state, err := openState(ctx, c.rig.Doors()[c.workers].Address())
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	cl, err := client.New(client.Config{Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{})})
	if err != nil {
		return nil, nil, errors.Join(err, state.Close(), log.Close())
	}
	return cl, func() { _ = errors.Join(cl.Close(), state.Close(), log.Close()) }, nil
}

// use waits until the workers have made the module known.
func (c *campaign) use(ctx context.Context, cl *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := cl.Use(ctx, c.subject.Module())
		if err == nil || !errors.Is(err, client.ErrNoModule) {
			return err
		}
		pause(ctx, 50*time.Millisecond)
		if ctx.Err() != nil {
			return err
		}
	}
}

// breakThings carries the plan out while appenders append. The first error is of the
// plan: what could not be broken or mended.
func (c *campaign) breakThings(ctx context.Context, a *appenders, timeline *chaos.Timeline) (broken, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		a.run(ctx, c.appenders, c.loops)
		close(done)
	}()
	go c.tell(ctx, a)
	actor := &chaos.RigActor{Rig: c.rig, Worker: c.worker, Timeline: timeline, Synced: c.synced}
	broken = chaos.Run(ctx, c.plan, actor, timeline)
	interrupted := ctx.Err()
	cancel()
	<-done
	return broken, interrupted
}

// tell says now and then how far it is.
func (c *campaign) tell(ctx context.Context, a *appenders) {
	begun := time.Now()
	for {
		pause(ctx, 15*time.Second)
		if ctx.Err() != nil {
			return
		}
		fmt.Printf("%3.0f s: %d appends acked\n", time.Since(begun).Seconds(), a.acked.Load())
	}
}
