package flights

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
)

// Options say what a demo processes.
type Options struct {
	Input    io.Reader // CSV, plain or gzip; nil: January
	Records  int       // only so many of it; 0: all
	Name     string    // of the module; "" is its own
	Launch   localcluster.LaunchConfig
	Progress func(done, total int) // called now and then, from several goroutines; may be nil
}

// appenders is how many appends are under way at a time. Flights of one aircraft
// go through one appender, one after another: their order is that of the input.
const appenders = 256

// Run appends flights, waits until each is processed, and reads what the module
// computed.
func Run(ctx context.Context, c *localcluster.Cluster, o Options) (*Report, error) {
	input := o.Input
	if input == nil {
		input = January()
	}
	all, err := Read(input)
	if err != nil {
		return nil, err
	}
	if o.Records > 0 && o.Records < len(all) {
		all = all[:o.Records]
	}
	m := &Module{Name: o.Name}
	if err := c.Launch(ctx, m, o.Launch); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := appendAll(ctx, c, m, all, o.Progress); err != nil {
		return nil, err
	}
	took := time.Since(begin)
	report, err := collect(ctx, c, m, all)
	if err != nil {
		return nil, err
	}
	report.Took = took
	return report, nil
}

func appendAll(ctx context.Context, c *localcluster.Cluster, m *Module, all []Flight, progress func(done, total int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var group sync.WaitGroup
	for a := range appenders {
		group.Go(func() {
			for i := range all {
				if appenderOf(all[i].Tail) != a {
					continue
				}
				if err := appendOne(ctx, c, m, all[i]); err != nil {
					cancel(fmt.Errorf("flight %d of %d: %w", i+1, len(all), err))
					return
				}
				if n := int(done.Add(1)); progress != nil && (n%64 == 0 || n == len(all)) {
					progress(n, len(all))
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func appenderOf(tail string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(tail))
	return int(h.Sum32() % appenders)
}

// appendOne appends a flight and waits until it is processed; a failed attempt
// is waited for.
func appendOne(ctx context.Context, c *localcluster.Cluster, m *Module, f Flight) error {
	acks, err := m.Flights.Append(ctx, c.Client(), f)
	var failed *client.FailedError
	for errors.As(err, &failed) && failed.WillRetry {
		acks, err = c.Client().Await(ctx, failed.Place)
	}
	if err != nil {
		return err
	}
	if n, ok := m.Legs.From(acks); ok && n < 1 {
		return fmt.Errorf("aircraft %s has %d legs after a flight", f.Tail, n)
	}
	return nil
}
