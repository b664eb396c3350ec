// Command model runs random operations on PStates of every kind, through the view that
// handlers have, on real servers, and compares everything that is read with maps and
// slices in memory. It starts its servers itself, and ends them. Its last line is
//
//	servers 2, operations N, differences 0
//
// and its exit code 1 if there is a difference, which is printed with the seed that
// finds it again and the operations before it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/internal/model"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/redisstate"
)

// options are the command's flags.
type options struct {
	ops     int
	seed    uint64
	servers string
	large   int
}

// opsPerSeed is how many operations one run has: what one seed finds is found again
// within them.
const opsPerSeed = 50_000

func main() {
	var o options
	flag.IntVar(&o.ops, "ops", 1_000_000, "operations on each server")
	flag.Uint64Var(&o.seed, "seed", 0, "the first seed; each runs 50,000 operations")
	flag.StringVar(&o.servers, "servers", "redis-server", "programs to start, with commas")
	flag.IntVar(&o.large, "large", 0, "instead: time operations on structures of so many elements, 10,000,000 say (some 4 GB)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "model:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	var programs []string
	for program := range strings.SplitSeq(o.servers, ",") {
		if program != "" {
			programs = append(programs, program)
		}
	}
	var failures []error
	for _, program := range programs {
		if err := runOn(ctx, program, o, out); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", filepath.Base(program), err))
		}
	}
	if o.large > 0 {
		return errors.Join(failures...)
	}
	fmt.Fprintf(out, "servers %d, operations %d, differences %d\n", len(programs), o.ops*len(programs), len(failures))
	return errors.Join(failures...)
}

// runOn starts a server and runs all operations on it.
func runOn(ctx context.Context, program string, o options, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "coppice-model")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	rig, err := stack.OpenRig(ctx, stack.RigConfig{Folder: folder, NoKafka: true, RedisServer: program})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rig.Close(context.WithoutCancel(ctx))) }()
	address := rig.Master().Address
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	version, err := client.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %s\n", filepath.Base(program), versionOf(version))
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{address}})
	if err != nil {
		return err
	}
	defer state.Close()
	if o.large > 0 {
		return model.Large(ctx, model.Config{Store: state, Seed: o.seed}, o.large, out)
	}
	return spread(o, func(seed uint64, ops int) error {
		config := model.Config{Store: state, Name: fmt.Sprintf("Model-%d", seed), Seed: seed, Ops: ops, Keys: keysOf(client)}
		r, err := model.Run(ctx, config)
		if err == nil {
			fmt.Fprintf(out, "  seed %d: %v\n", seed, r)
		}
		return err
	})
}

// spread runs seeds side by side until all operations are done.
func spread(o options, one func(seed uint64, ops int) error) error {
	seeds := (o.ops + opsPerSeed - 1) / opsPerSeed
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make([]error, seeds)
	for range min(runtime.GOMAXPROCS(0), seeds) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < seeds; i = int(next.Add(1)) - 1 {
				failures[i] = one(o.seed+uint64(i), min(opsPerSeed, o.ops-i*opsPerSeed))
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

func versionOf(info string) string {
	var found []string
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "redis_version" || name == "valkey_version" {
			found = append(found, name+" "+value)
		}
	}
	return strings.Join(found, ", ")
}

// keysOf lists the keys of a server that begin with a text.
func keysOf(client *redis.Client) func(context.Context, string) ([]string, error) {
	return func(ctx context.Context, prefix string) ([]string, error) {
		var keys []string
		all := client.Scan(ctx, 0, "*", 1000).Iterator()
		for all.Next(ctx) {
			if strings.HasPrefix(all.Val(), prefix) {
				keys = append(keys, all.Val())
			}
		}
		return keys, all.Err()
	}
}
