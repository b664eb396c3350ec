package integration

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/settings"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// gated is a module whose handler waits until it is let through.
type gated struct {
	name    string
	Records module.Depot[int]
	gate    chan struct{}
}

func (m *gated) ModuleName() string { return m.name }

func (m *gated) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Records, "records")
	module.DeclareSource(b.Stream("s"), m.Records, func(*module.Event, int) error {
		<-m.gate
		return nil
	})
}

// promise 3.27 promise 3.80: an append waits for the processing by default, for
// the depot with AckAppend, and for nothing with AckNone.
func TestAckLevels(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &gated{name: unique("Gated"), gate: make(chan struct{})}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		// Nothing is processed, and these return all the same.
		for _, level := range []module.Level{module.AckAppend, module.AckNone, module.AckAppend} {
			if _, err := m.Records.Append(t.Context(), c.Client(), 1, module.Wait(level)); err != nil {
				t.Fatalf("level %d: %v", level, err)
			}
		}
		if _, end, err := c.Log().Bounds(t.Context(), depot.TopicName(m.name, "records"), 0); err != nil || end != 3 {
			t.Errorf("the depot ends at %d, %v; want 3", end, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := m.Records.Append(ctx, c.Client(), 1)
		var unknown *client.UnknownError
		if !errors.As(err, &unknown) || unknown.Place.Offset != 3 {
			t.Errorf("an append that nobody answers: %v, want an UnknownError with the record's offset", err)
		}
		close(m.gate)
		if _, err := c.Client().Await(t.Context(), client.Place{Module: m.name, Depot: "records", Partition: 0, Offset: 3}); err != nil {
			t.Errorf("asked again: %v", err)
		}
	})
}

// A place without an offset names no record: nobody calls it done. An append that was given
// up before anything was sent is not in the depot.
func TestAwaitNeedsAnOffset(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &gated{name: unique("Gated"), gate: make(chan struct{})}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		close(m.gate)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := m.Records.Append(over, c.Client(), 1)
		if !errors.Is(err, client.ErrNotAppended) || !errors.Is(err, context.Canceled) {
			t.Errorf("an append with a context that is over: %T %v, want a NotAppendedError", err, err)
		}
		place := client.Place{Module: m.name, Depot: "records", Partition: 0, Offset: -1}
		if _, err := c.Client().Await(t.Context(), place); !errors.Is(err, client.ErrNoOffset) {
			t.Errorf("Await of a place without an offset: %v, want a NoOffsetError", err)
		}
		if err := c.Client().WaitProcessed(t.Context(), place); !errors.Is(err, client.ErrNoOffset) {
			t.Errorf("WaitProcessed of a place without an offset: %v, want a NoOffsetError", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		place.Offset = 77
		if _, err := c.Client().Await(ctx, place); !errors.Is(err, client.ErrUnknown) || strings.Contains(err.Error(), "is in the depot") {
			t.Errorf("Await of a place behind the end of its depot: %v, want an UnknownError that does not say where the record is", err)
		}
	})
}

// A client that is closed ends what waits on it.
func TestClosingEndsAppends(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &gated{name: unique("Gated"), gate: make(chan struct{})}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		defer close(m.gate)
		user, err := c.NewClient()
		if err != nil {
			t.Fatal(err)
		}
		if err := user.Use(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		place, err := user.Put(t.Context(), recordOf(t, m.Records, 1))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 2)
		go func() { _, err := user.Await(t.Context(), place); ended <- err }()
		go func() { _, err := m.Records.Append(t.Context(), user, 2); ended <- err }()
		if err := user.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := <-ended; !errors.Is(err, client.ErrClosed) {
				t.Errorf("what waits on a client that is closed ends with %v, want ErrClosed", err)
			}
		}
		if _, err := m.Records.Append(t.Context(), user, 3); !errors.Is(err, client.ErrClosed) || !errors.Is(err, client.ErrNotAppended) {
			t.Errorf("an append to a closed client: %v, want a NotAppendedError for ErrClosed", err)
		}
	})
}

// promise 3.92: a level that the servers do not reach keeps a worker from starting, and the
// error says which level, and what they lack.
func TestALevelOutOfReachIsTold(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		level := store.Replicated(9)
		_, err := worker.Start(ctx, worker.Config{Log: c.Log(), Store: c.Store(), Network: memtransport.New(), Tasks: 1, Options: runtime.Options{Durability: level}}, &tally{name: unique("Tally")})
		for _, want := range []string{settings.Durability, "replicated 9", "replicas"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a start at level %v: %v, want %q in it", level, err, want)
			}
		}
		if got := c.Client().OptionWarnings(t.Context(), settings.Durability, level.String()); len(got) == 0 {
			t.Errorf("no warning of level %v", level)
		}
	})
}

// Options that make no sense are refused by the start, all at once.
func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	c := start(t, world{})
	bad := runtime.Options{MaxExecutingPerTask: -1, TreeTimeout: -1, QueueBytesMax: 1}
	m := &tally{name: unique("Tally")}
	_, err := worker.Start(t.Context(), worker.Config{Log: c.Log(), Store: c.Store(), Network: memtransport.New(), Options: bad, Tasks: -3}, m)
	launched := c.Launch(t.Context(), m, localcluster.LaunchConfig{Options: bad, Tasks: -3, Workers: -1})
	for _, want := range []string{"Tasks is -3", "max.executing.per.task", "stream.timeout.seconds", "worker.queue.bytes.max"} {
		if err == nil || !strings.Contains(err.Error(), want) || launched == nil || !strings.Contains(launched.Error(), want) {
			t.Errorf("the worker's error is %v, and the cluster's %v; want %q in both", err, launched, want)
		}
	}
}

// recordOf is what an append of a value sends.
func recordOf[T any](t *testing.T, d module.Depot[T], v T) module.Record {
	t.Helper()
	var got kept
	if _, err := d.Append(t.Context(), &got, v); err != nil {
		t.Fatal(err)
	}
	return got.record
}

// kept is an appender that keeps the record.
type kept struct{ record module.Record }

func (k *kept) SendRecord(_ context.Context, r module.Record) (module.Acks, error) {
	k.record = r
	return module.Acks{}, nil
}

// A worker embeds into a program and ends with its context, in good order.
func TestWorkerRuns(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		network := memtransport.New()
		m := &tally{name: unique("Tally")}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		started := make(chan struct{})
		config := worker.Config{Log: c.Log(), Store: c.Store(), Network: network, Tasks: 2, Listener: tookAll(2, started)}
		go func() { ended <- worker.Run(ctx, config, m) }()
		<-started
		user, err := client.New(client.Config{Log: c.Log(), Store: c.Store(), Network: network})
		if err != nil {
			t.Fatal(err)
		}
		defer user.Close()
		if err := user.Use(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Clicks.Append(t.Context(), user, 3); err != nil {
			t.Fatal(err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the worker ended with %v", err)
		}
		// State is read without any worker.
		if n, err := m.Total.Key(3).Get(user.At(t.Context())); err != nil || n != 1 {
			t.Errorf("total %d, %v", n, err)
		}
	})
}

// promise 3.48: another worker goes on where the first has ended, and repeats
// nothing.
func TestAnotherWorkerGoesOn(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		network := memtransport.New()
		name := unique("Tally")
		user, err := client.New(client.Config{Log: c.Log(), Store: c.Store(), Network: network})
		if err != nil {
			t.Fatal(err)
		}
		defer user.Close()
		const rounds, each = 3, 10
		for range rounds {
			m := &tally{name: name}
			w, err := worker.Start(t.Context(), worker.Config{Log: c.Log(), Store: c.Store(), Network: network, Tasks: 2}, m)
			if err != nil {
				t.Fatal(err)
			}
			if err := user.Use(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			for i := range each {
				if _, err := m.Clicks.Append(t.Context(), user, i); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m := &tally{name: name}
		if err := user.Use(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		total := 0
		for key := range keysOfTally {
			n, err := m.Total.Key(key).Get(user.At(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
		if total != rounds*each {
			t.Errorf("%d records were counted, %d were appended", total, rounds*each)
		}
	})
}
