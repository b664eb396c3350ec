package integration

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silent{}) // servers go away on purpose here
	// A pool that could not dial looks every second whether it can, and ends within
	// that second of its own end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// world is a set of servers that a suite runs on.
type world struct {
	name  string
	kafka string   // broker, "" for the one in memory
	redis []string // addresses, none for the one in memory
	// network carries what workers say to each other; nil: in memory.
	network transport.Network
}

// worlds lists the servers that are there.
func worlds() []world {
	all := []world{{name: "memory"}}
	kafka := os.Getenv("COPPICE_TEST_KAFKA")
	if single := os.Getenv("COPPICE_TEST_REDIS"); single != "" {
		all = append(all, world{name: "redis", kafka: kafka, redis: []string{single}})
	}
	if cluster := os.Getenv("COPPICE_TEST_REDIS_CLUSTER"); cluster != "" {
		all = append(all, world{name: "rediscluster", kafka: kafka, redis: strings.Split(cluster, ",")})
	}
	return all
}

// onAll runs a test on every set of servers.
func onAll(t *testing.T, test func(t *testing.T, c *localcluster.Cluster)) {
	t.Helper()
	t.Parallel()
	for _, w := range worlds() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, w))
		})
	}
}

// start starts a cluster on a set of servers; it ends with the test.
func start(t testing.TB, w world) *localcluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	config := localcluster.Config{Network: w.network}
	if w.kafka != "" {
		log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{w.kafka}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = log.Close() })
		config.Log = log
	}
	if len(w.redis) > 0 {
		state, err := redisstate.Open(ctx, redisstate.Config{Addresses: w.redis})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = state.Close() })
		config.Store = state
	}
	c, err := localcluster.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// unique makes a module name that no other run has used: real servers keep what
// earlier runs left.
func unique(name string) string { return name + "-" + uuid.NewString()[:8] }

// tookAll closes ready when so many tasks run.
func tookAll(tasks int, ready chan struct{}) *runtime.Listener {
	var took atomic.Int64
	return &runtime.Listener{Took: func(runtime.TookInfo) {
		if int(took.Add(1)) == tasks {
			close(ready)
		}
	}}
}
