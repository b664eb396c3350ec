package virtual

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/nomination/memgroup"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/worker"
)

// world is a broker, a server and a network of one bubble, and the parties on
// them. It ends with the test.
type world struct {
	t       *testing.T
	seed    uint64
	began   time.Time
	broker  *kfake.Cluster
	kafka   *kfake.VirtualNetwork
	redis   *miniredis.Miniredis
	network *network
	parties int
	closers []func() error
}

// callTimeout is how long parties wait for a reply of the server: after it a
// commit counts as lost (R11).
const callTimeout = 2 * time.Second

// redisAddress names the server in messages; nothing listens there.
const redisAddress = "redis.virtual:6379"

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, seed: seed, began: time.Now(), kafka: &kfake.VirtualNetwork{}, redis: miniredis.NewMiniRedis(), network: newNetwork()}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(w.kafka.Listen))
	if err != nil {
		t.Fatal(err)
	}
	w.broker = broker
	t.Cleanup(w.close)
	return w
}

// close ends the parties, the last first, and the servers.
func (w *world) close() {
	for len(w.closers) > 0 {
		last := w.closers[len(w.closers)-1]
		w.closers = w.closers[:len(w.closers)-1]
		if err := last(); err != nil {
			w.t.Error(err)
		}
	}
	w.broker.Close()
	w.redis.Close()
	// What libraries do in the background ends by time, which stops when the test
	// returns.
	elapse(10 * time.Second)
}

// elapse lets virtual time pass.
func elapse(d time.Duration) { <-time.After(d) }

// party is one process: its adapters, and its lines to the servers.
type party struct {
	w            *world
	log          depot.Log
	store        store.Store
	kafka, redis *line
}

func (w *world) party(ctx context.Context) *party {
	w.t.Helper()
	w.parties++
	p := &party{w: w}
	salt := w.seed*1000 + uint64(w.parties)
	p.kafka = newLine(salt, w.kafka.DialContext)
	p.redis = newLine(salt+500, func(context.Context, string, string) (net.Conn, error) { return w.redis.Dial() })
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: w.broker.ListenAddrs(), Dialer: p.kafka.Dial})
	if err != nil {
		w.t.Fatal(err)
	}
	w.closers = append(w.closers, log.Close)
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{redisAddress}, Dialer: p.redis.Dial, CallTimeout: callTimeout})
	if err != nil {
		w.t.Fatal(err)
	}
	w.closers = append(w.closers, state.Close)
	p.log, p.store = log, state
	return p
}

// running is a worker and the party that it is.
type running struct {
	*party
	worker  *worker.Worker
	address string
}

// launching says how a worker is started; the zero value is a worker that owns all
// four tasks.
type launching struct {
	address  string           // default worker-0
	tasks    int              // default 4
	group    nomination.Group // default: this worker has every task
	options  runtime.Options
	listener *runtime.Listener
	logger   *slog.Logger
}

// launch starts a worker on a module.
func (w *world) launch(m module.Module, how launching) *running {
	w.t.Helper()
	r, err := w.tryLaunch(m, how)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// launchTwo starts two workers that share a module's tasks: the second takes its
// half over from the first.
func (w *world) launchTwo(m module.Module, how launching) (first, second *running) {
	w.t.Helper()
	how.group = memgroup.New(1)
	how.address = "worker-0"
	first = w.launch(m, how)
	how.address = "worker-1"
	return first, w.launch(m, how)
}

func (w *world) tryLaunch(m module.Module, how launching) (*running, error) {
	w.t.Helper()
	ctx := w.t.Context()
	if how.address == "" {
		how.address = "worker-0"
	}
	if how.logger == nil {
		how.logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	var group nomination.Group = nomination.Alone{}
	if how.group != nil {
		group = how.group
	}
	r := &running{party: w.party(ctx), address: how.address}
	var err error
	r.worker, err = worker.Start(ctx, worker.Config{
		Log: r.log, Store: r.store, Network: w.network, Address: how.address, Tasks: how.tasks, Nominations: group, Options: how.options,
		Listener: how.listener, EncodeHops: true, Logger: how.logger, Seed: w.seed,
	}, m)
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, func() error { return r.stop(5 * time.Second) })
	return r, nil
}

// stop stops the worker in good order.
func (r *running) stop(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return r.worker.Stop(ctx)
}

// user is a client and the party that it is.
type user struct {
	*party
	*client.Client
}

// user opens a client for a module.
func (w *world) user(m module.Module) *user {
	w.t.Helper()
	ctx := w.t.Context()
	u := &user{party: w.party(ctx)}
	var err error
	if u.Client, err = client.New(client.Config{Log: u.log, Store: u.store, Network: w.network}); err != nil {
		w.t.Fatal(err)
	}
	w.closers = append(w.closers, u.Close)
	if err := u.Use(ctx, m); err != nil {
		w.t.Fatal(err)
	}
	return u
}

// settled appends and asks until the outcome of a record is known for good: what
// will be tried again is waited for.
func (u *user) settled(ctx context.Context, err error) error {
	for ctx.Err() == nil {
		var failed *client.FailedError
		var unknown *client.UnknownError
		switch {
		case errors.As(err, &failed) && failed.WillRetry:
			elapse(10 * time.Millisecond)
			_, err = u.Await(ctx, failed.Place)
		case errors.As(err, &unknown) && unknown.Place.Offset >= 0:
			elapse(10 * time.Millisecond)
			_, err = u.Await(ctx, unknown.Place)
		default:
			return err
		}
	}
	return err
}

var _ transport.Network = (*network)(nil)
