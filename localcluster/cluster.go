package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// Config says what a cluster runs on. The zero value is all in memory.
type Config struct {
	// Log and Store, if set, replace the in-memory broker and server; the cluster
	// then does not close them.
	Log   depot.Log
	Store store.Store
	// Logger gets what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
	// Tracing, if set, makes spans of the clients' appends. For those of the tasks,
	// launch with telemetry.Listener.
	Tracing trace.TracerProvider
}

// Cluster is a set of modules with their workers. Close ends all of it.
type Cluster struct {
	log     depot.Log
	store   store.Store
	network *memtransport.Network
	client  *client.Client
	logger  *slog.Logger
	tracing trace.TracerProvider
	servers *servers // nil where Config brought both

	mu      sync.Mutex
	workers []*worker.Worker
	closed  bool
}

// LaunchConfig says how a module is spread.
type LaunchConfig struct {
	// Tasks is the number of tasks; default 4.
	Tasks int
	// Workers is the number of workers that share them; default 1. Task i belongs
	// to worker i modulo Workers.
	Workers int
	// Options are the engine's limits.
	Options runtime.Options
	// Listener hears what the tasks do.
	Listener *runtime.Listener
	// ShareValues passes plain values between tasks of one worker without encoding
	// them, as workers in production do.
	ShareValues bool
}

// Start starts a cluster without modules.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	c := &Cluster{log: config.Log, store: config.Store, logger: config.Logger, tracing: config.Tracing, network: memtransport.New()}
	if c.logger == nil {
		c.logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if err := c.startServers(ctx); err != nil {
		return nil, err
	}
	var err error
	if c.client, err = c.NewClient(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Launch starts workers for a module and returns when its tasks run and its
// handles work with the cluster's client.
func (c *Cluster) Launch(ctx context.Context, m module.Module, config LaunchConfig) error {
	if config.Tasks == 0 {
		config.Tasks = 4
	}
	config.Workers = max(config.Workers, 1)
	c.mu.Lock()
	first := len(c.workers)
	c.mu.Unlock()
	addresses := make([]string, config.Workers)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("worker-%d", first+i)
	}
	assign := func(_ string, id task.ID) string { return addresses[int(id)%len(addresses)] }
	errs := make([]error, config.Workers)
	started := make([]*worker.Worker, config.Workers)
	var group sync.WaitGroup
	for i := range addresses {
		group.Go(func() {
			started[i], errs[i] = worker.Start(ctx, worker.Config{
				Log: c.log, Store: c.store, Network: c.network, Address: addresses[i], Tasks: config.Tasks, Assign: assign,
				Options: config.Options, Listener: config.Listener, EncodeHops: !config.ShareValues, Logger: c.logger,
			}, m)
		})
	}
	group.Wait()
	c.mu.Lock()
	for _, w := range started {
		if w != nil {
			c.workers = append(c.workers, w)
		}
	}
	c.mu.Unlock()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.client.Use(ctx, m)
}

// Client returns the cluster's client.
func (c *Cluster) Client() *client.Client { return c.client }

// NewClient returns another client, for callers that want one of their own.
func (c *Cluster) NewClient() (*client.Client, error) {
	return client.New(client.Config{Log: c.log, Store: c.store, Network: c.network, Tracing: c.tracing})
}

// Log returns the broker that the cluster runs on.
func (c *Cluster) Log() depot.Log { return c.log }

// Store returns the store that the cluster runs on.
func (c *Cluster) Store() store.Store { return c.store }

// stopTimeout bounds how long Close waits for records under way.
const stopTimeout = 5 * time.Second

// Close stops the workers in good order and ends the cluster.
func (c *Cluster) Close() error {
	c.mu.Lock()
	workers, closed := c.workers, c.closed
	c.workers, c.closed = nil, true
	c.mu.Unlock()
	if closed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var group sync.WaitGroup
	for _, w := range workers {
		group.Go(func() { _ = w.Stop(ctx) })
	}
	group.Wait()
	var errs []error
	if c.client != nil {
		errs = append(errs, c.client.Close())
	}
	if c.servers != nil {
		errs = append(errs, c.servers.close())
	}
	return errors.Join(errs...)
}
