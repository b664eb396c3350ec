package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/settings"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/nomination/memgroup"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// Config says what a cluster runs on. The zero value is all in memory.
type Config struct {
	// Log and Store, if set, replace the in-memory broker and server; the cluster
	// then does not close them.
	Log   depot.Log
	Store store.Store
	// Clock, if set, is what records are stamped with and tasks go by. The broker in
	// memory is then not Kafka's: a log that knows the clock takes its place.
	Clock *Clock
	// Network, if set, carries what workers and clients say to each other. Default: in
	// memory.
	Network transport.Network
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
	network transport.Network
	client  *client.Client
	logger  *slog.Logger
	tracing trace.TracerProvider
	clock   worker.Clock // nil: real time
	servers *servers     // nil where Config brought both

	mu       sync.Mutex
	workers  []*worker.Worker
	launched []*launched
	closed   bool
}

// launched is a module that runs here.
type launched struct {
	module module.Module
	config worker.Config // of one more worker
}

// LaunchConfig says how a module is spread.
type LaunchConfig struct {
	// Tasks is the number of tasks; default 4.
	Tasks int
	// Workers is the number of workers that share them at first; default 1. More
	// join with AddWorker.
	Workers int
	// Group, if set, nominates the workers. Default: one in memory.
	Group nomination.Group
	// Options are the engine's limits.
	Options runtime.Options
	// Listener hears what the tasks do.
	Listener *runtime.Listener
	// Hooks are for test kits: package clustertest.
	Hooks *worker.Hooks
	// Trees is what the workers keep of event trees: by default those of one record in 1,000,
	// and of those that fail or take long.
	Trees telemetry.TreesConfig
	// SpillFolder is where the workers keep events that find no room in memory. Default
	// os.TempDir().
	SpillFolder string
	// ShareValues passes plain values between tasks of one worker without encoding
	// them, as workers in production do.
	ShareValues bool
}

// Start starts a cluster without modules.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	c := &Cluster{log: config.Log, store: config.Store, logger: config.Logger, tracing: config.Tracing, network: config.Network}
	if c.network == nil {
		c.network = memtransport.New()
	}
	if c.logger == nil {
		c.logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if config.Clock != nil {
		c.clock = config.Clock
	}
	if err := c.startServers(ctx, config.Clock); err != nil {
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
	if err := config.check(); err != nil {
		return err
	}
	config.Workers = max(config.Workers, 1)
	if config.Group == nil {
		config.Group = memgroup.New(config.Workers)
	}
	greetings := greet(config.Tasks, config.Hooks)
	l := &launched{m, worker.Config{
		Log: c.log, Store: c.store, Network: c.network, Nominations: config.Group, Tasks: config.Tasks,
		Options: config.Options, Listener: config.Listener, EncodeHops: !config.ShareValues, Logger: c.logger, SpillFolder: config.SpillFolder, Trees: config.Trees,
		Hooks: greetings.hooks(), Clock: c.clock,
	}}
	c.mu.Lock()
	c.launched = append(c.launched, l)
	c.mu.Unlock()
	errs := make([]error, config.Workers)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { _, errs[i] = c.addWorker(ctx, l) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := greetings.await(ctx); err != nil {
		return err
	}
	return c.client.Use(ctx, m)
}

// check finds what no worker is started with.
func (c *LaunchConfig) check() error {
	var mistakes []error
	if c.Tasks < 1 || c.Tasks > task.CountMax {
		mistakes = append(mistakes, fmt.Errorf("localcluster: LaunchConfig.Tasks is %d, and not within 1 to %d", c.Tasks, task.CountMax))
	}
	if c.Workers < 0 {
		mistakes = append(mistakes, fmt.Errorf("localcluster: LaunchConfig.Workers is %d; want 1 or more, or 0 for the default", c.Workers))
	}
	if err := settings.CheckAll(c.Options); err != nil {
		mistakes = append(mistakes, fmt.Errorf("localcluster: LaunchConfig.Options: %w", err))
	}
	return errors.Join(mistakes...)
}

// AddWorker starts one more worker for a module that was launched here: it takes
// its share of the tasks over. The cluster stops it, unless the caller does.
func (c *Cluster) AddWorker(ctx context.Context, m module.Module) (*worker.Worker, error) {
	c.mu.Lock()
	i := slices.IndexFunc(c.launched, func(l *launched) bool { return l.module == m })
	c.mu.Unlock()
	if i < 0 {
		return nil, errors.New("localcluster: AddWorker of a module that was not launched here")
	}
	return c.addWorker(ctx, c.launched[i])
}

func (c *Cluster) addWorker(ctx context.Context, l *launched) (*worker.Worker, error) {
	w, err := worker.Start(ctx, l.config, l.module)
	if err != nil {
		return nil, err
	}
	// A worker goes on with the tasks that run; whoever tries a module out wants to hear of the others.
	var halts []error
	for _, m := range w.Health(ctx).Modules {
		for _, h := range m.Halted {
			halts = append(halts, h.Why)
		}
	}
	if len(halts) > 0 {
		return nil, errors.Join(append(halts, w.Stop(ctx))...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workers = append(c.workers, w)
	return w, nil
}

// Workers are those that were started, in no order.
func (c *Cluster) Workers() []*worker.Worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.workers)
}

// MakeTopic makes a topic that is no depot, for modules that write to it; one that
// exists is as good. What is in it is read by Log().Reader, or by any Kafka client
// where the broker is a real one.
func (c *Cluster) MakeTopic(ctx context.Context, name string, partitions int) error {
	log, ok := c.log.(interface {
		Make(ctx context.Context, name string, partitions int) error
	})
	if !ok {
		return fmt.Errorf("localcluster: a %T makes no topics that are no depots", c.log)
	}
	return log.Make(ctx, name, partitions)
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

// Network returns what carries what workers and clients say to each other: for workers that
// the caller starts.
func (c *Cluster) Network() transport.Network { return c.network }

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
	worker.StopTogether(ctx, workers...)
	var errs []error
	if c.client != nil {
		errs = append(errs, c.client.Close())
	}
	if c.servers != nil {
		errs = append(errs, c.servers.close())
	}
	return errors.Join(errs...)
}

// WaitForMicrobatchProcessedCount waits until a microbatch topology of a module that was
// launched here has processed so many records: in all, since it was launched, not since the last call
// (18.04). All tasks have applied their microbatches then.
func (c *Cluster) WaitForMicrobatchProcessedCount(ctx context.Context, m module.Module, topology string, total int64) error {
	return c.client.WaitMicrobatches(ctx, module.NameOf(m), topology, total)
}
