package integration

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/pipe"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
)

// line is a way to a server that can be cut.
type line struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

var errCut = errors.New("the line is cut")

func (l *line) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = conn.Close()
		return nil, errCut
	}
	l.conns = append(l.conns, conn)
	return conn, nil
}

// cut ends all connections and lets none be made until mended.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// cuttable starts a cluster on servers in memory whose lines can be cut.
func cuttable(t *testing.T) (c *localcluster.Cluster, kafka, redis *line) {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(network.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	kafka = &line{dial: network.DialContext}
	server := miniredis.NewMiniRedis()
	t.Cleanup(server.Close)
	redis = &line{dial: func(context.Context, string, string) (net.Conn, error) {
		conn, err := server.Dial()
		if err != nil {
			return nil, err
		}
		return pipe.Buffered(conn), nil
	}}
	log, err := kafkadepot.Open(t.Context(), kafkadepot.Config{Brokers: broker.ListenAddrs(), Dialer: kafka.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	store, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: []string{"redis.in-memory:6379"}, Dialer: redis.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c, err = localcluster.Start(t.Context(), localcluster.Config{Log: log, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, kafka, redis
}

// tally counts records where they are: nothing hops, so each counts exactly once.
type tally struct {
	name   string
	Clicks module.Depot[int]
	Total  pstate.Map[int, int]
}

func (m *tally) ModuleName() string { return m.name }

func (m *tally) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(n int) int { return n % keysOfTally })
	s := b.Stream("tally")
	s.PState(&m.Total, "total")
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, n int) error {
		agg.Inc(ev, m.Total.Key(n%keysOfTally))
		return nil
	})
}

const keysOfTally = 8

// A server that goes away is waited for; when it is back, everything goes on, and
// every record that was appended counts once.
func TestServersThatGoAwayAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"redis", "kafka"} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			c, kafka, redis := cuttable(t)
			dropped := make(chan struct{}, 100)
			m := &tally{name: "Outage"}
			listener := &runtime.Listener{Dropped: func(runtime.DroppedInfo) {
				select {
				case dropped <- struct{}{}:
				default:
				}
			}}
			if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2, Listener: listener}); err != nil {
				t.Fatal(err)
			}
			appended := appendAll(t, c, m, 0, 20)
			if which == "redis" {
				redis.cut()
			} else {
				kafka.cut()
			}
			// While the server is away an append is not answered; whether it is in the
			// depot may be unknown.
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			_, err := m.Clicks.Append(ctx, c.Client(), -1)
			cancel()
			if !errors.Is(err, client.ErrUnknown) && !errors.Is(err, client.ErrNotAppended) {
				t.Errorf("append without %s returned %v", which, err)
			}
			if which == "redis" {
				<-dropped // a task has noticed
				redis.mend()
			} else {
				kafka.mend()
			}
			appended += appendAll(t, c, m, 20, 20)
			total := 0
			for key := range keysOfTally {
				n, err := m.Total.Key(key).Get(c.Client().At(t.Context()))
				if err != nil {
					t.Fatal(err)
				}
				total += n
			}
			if total != appended {
				t.Errorf("%d records were counted, %d were appended", total, appended)
			}
		})
	}
}

// appendAll appends records until each is known to be done; one that failed for
// the outage's sake is asked for again.
func appendAll(t *testing.T, c *localcluster.Cluster, m *tally, from, n int) int {
	t.Helper()
	for i := from; i < from+n; i++ {
		_, err := m.Clicks.Append(t.Context(), c.Client(), i)
		var failed *client.FailedError
		for errors.As(err, &failed) && failed.WillRetry {
			_, err = c.Client().Await(t.Context(), failed.Place)
		}
		if err != nil {
			t.Errorf("append %d: %v", i, err)
		}
	}
	return n
}

// A server that cannot be reached at the start is an error that names it.
func TestUnreachableAtTheStart(t *testing.T) {
	t.Parallel()
	closed := closedAddress(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{closed}}); err == nil || !strings.Contains(err.Error(), closed) {
		t.Errorf("redis at a closed port: %v", err)
	}
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{closed}, CheckTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := log.Check(ctx); err == nil || !strings.Contains(err.Error(), closed) {
		t.Errorf("kafka at a closed port: %v", err)
	}
	if ctx.Err() != nil {
		t.Error("it took longer than ten seconds")
	}
}

// closedAddress is a loopback address that nobody listens on.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
