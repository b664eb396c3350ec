package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// native brings up parts in a folder of the test's own, on free ports.
func native(t *testing.T, parts Parts) (Config, State) {
	t.Helper()
	needs(t, "redis-server")
	config := Config{Folder: t.TempDir(), Parts: parts, EndWithCaller: true, ClusterNodeTimeoutMillis: 1_000}
	state, err := Up(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Down(context.Background(), config.Folder, false); err != nil {
			t.Error(err)
		}
		for _, server := range state.Servers {
			if server.Alive() {
				t.Errorf("%s (pid %d) lives after Down", server.Name, server.Pid)
			}
		}
	})
	return config, state
}

func value(t *testing.T, state State, key string) string {
	t.Helper()
	client := redisClient(state.Redis())
	defer client.Close()
	text, err := client.Get(t.Context(), key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	return text
}

func TestNativeRedisComesBackWithItsData(t *testing.T) {
	t.Parallel()
	config, first := native(t, Parts{Redis: true})
	client := redisClient(first.Redis())
	if err := errors.Join(client.Set(t.Context(), "kept", "yes", 0).Err(), client.Close()); err != nil {
		t.Fatal(err)
	}
	// What runs is left as it is.
	second, err := Up(t.Context(), config)
	if diff := cmp.Diff(first, second); err != nil || diff != "" {
		t.Fatalf("a second Up: %v; servers (-first +second):\n%s", err, diff)
	}
	// What has died comes back on its port, with what it had written: SIGTERM lets it write all.
	server, _ := first.Server("redis")
	if err := server.Stop(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if first.Healthy(t.Context()) {
		t.Error("a server that has ended counts as healthy")
	}
	third, err := Up(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reapAll(t, third.Servers...) })
	if again, _ := third.Server("redis"); again.Address != server.Address || again.Pid == server.Pid {
		t.Errorf("the server came back as %+v, was %+v", again, server)
	}
	if got := value(t, third, "kept"); got != "yes" {
		t.Errorf("kept is %q after a new start, want yes", got)
	}
	if err := errors.Join(Down(t.Context(), config.Folder, false), Down(t.Context(), config.Folder, false)); err != nil {
		t.Fatalf("Down twice: %v", err)
	}
	if _, err := os.Stat(filepath.Join(config.Folder, "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data is there after Down: %v", err)
	}
}

func TestNativeRedisHasTheSharedSettings(t *testing.T) {
	t.Parallel()
	_, state := native(t, Parts{Redis: true})
	client := redisClient(state.Redis())
	defer client.Close()
	for name, want := range map[string]string{"appendonly": "yes", "maxmemory-policy": "noeviction", "save": ""} {
		got, err := client.ConfigGet(t.Context(), name).Result()
		if err != nil || got[name] != want {
			t.Errorf("%s is %q (%v), want %q", name, got[name], err, want)
		}
	}
}

func TestNativeClusterServesAllSlots(t *testing.T) {
	t.Parallel()
	_, state := native(t, Parts{Cluster: true})
	if got := len(state.Cluster()); got != masterCount {
		t.Fatalf("%d masters, want %d", got, masterCount)
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: state.Cluster()})
	defer client.Close()
	// These three keys lie on three masters.
	for _, key := range []string{"a", "b", "c"} {
		if err := client.Set(t.Context(), key, "1", 0).Err(); err != nil {
			t.Errorf("SET %s: %v", key, err)
		}
	}
	if !state.Healthy(t.Context()) {
		t.Errorf("health: %+v", state.Check(t.Context()))
	}
}

// The second of the pair has what is written to the first, and is its replica again when it comes back.
func TestNativePairIsAMasterAndItsReplica(t *testing.T) {
	t.Parallel()
	config, state := native(t, Parts{Pair: true})
	second, _ := state.Server("pair-2")
	if err := second.Stop(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	master := redisClient(state.Pair()[0])
	defer master.Close()
	if err := master.Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	state, err := Up(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	replica := redisClient(state.Pair()[1])
	defer replica.Close()
	if got, err := replica.Get(t.Context(), "kept").Result(); got != "yes" || err != nil {
		t.Errorf("the replica has kept=%q (%v), want yes", got, err)
	}
	if !state.Healthy(t.Context()) {
		t.Errorf("health: %+v", state.Check(t.Context()))
	}
	// Without its master it is of no use, and says so.
	first, _ := state.Server("pair-1")
	if err := first.Stop(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	again, _ := state.Server("pair-2")
	if err := wait(t.Context(), "pair-2", func(ctx context.Context) error {
		if again.Check(ctx) == nil {
			return errors.New("it counts as healthy without its master")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := Down(t.Context(), config.Folder, false); err != nil {
		t.Error(err)
	}
	reapAll(t, state.Servers...)
}

// An Up that fails ends what it has started itself, and leaves no record of it.
func TestUpThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	needs(t, "redis-server")
	config := Config{Folder: t.TempDir(), Parts: Parts{Redis: true}, EndWithCaller: true, ReadyTimeout: time.Nanosecond}
	_, err := Up(t.Context(), config)
	var start *StartError
	if !errors.As(err, &start) || start.Server != "redis" || !strings.Contains(err.Error(), start.Log) {
		t.Errorf("error %v: want a StartError that names the log", err)
	}
	if state, err := Load(config.Folder); err != nil || len(state.Servers) != 0 {
		t.Errorf("record %+v, %v after a start that failed", state, err)
	}
}

func TestRunsThatWereLeftAreEnded(t *testing.T) {
	t.Parallel()
	needs(t, "redis-server")
	folder := t.TempDir()
	run, release, err := OpenRun(folder)
	if err != nil {
		t.Fatal(err)
	}
	state, err := Up(t.Context(), Config{Folder: run, Parts: Parts{Redis: true}, EndWithCaller: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reapAll(t, state.Servers...) })
	server := state.Servers[0]
	if err := DownRuns(t.Context(), folder, false); err != nil {
		t.Fatal(err)
	}
	if !server.Alive() {
		t.Fatal("DownRuns has ended the server of a run whose owner lives")
	}
	if err := DownRuns(t.Context(), folder, true); err != nil {
		t.Fatal(err)
	}
	if server.Alive() {
		t.Error("DownRuns of all has left a server")
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	left := filepath.Join(folder, "runs", "run-left")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if state, err = Up(t.Context(), Config{Folder: left, Parts: Parts{Redis: true}, EndWithCaller: true}); err != nil {
		t.Fatal(err)
	}
	if err := DownRuns(t.Context(), folder, false); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(state.Servers, Server.Alive) {
		t.Error("DownRuns has left the server of a run without an owner")
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the run is there: %v", err)
	}
}

// Kafka's start takes seconds, so only where real servers are asked for.
func TestNativeKafka(t *testing.T) {
	t.Parallel()
	if os.Getenv("COPPICE_TEST_KAFKA") == "" {
		t.Skip("COPPICE_TEST_KAFKA is not set: make integration sets it")
	}
	needs(t, "java")
	config, state := native(t, Parts{Kafka: true})
	if !state.Healthy(t.Context()) {
		t.Errorf("health: %+v", state.Check(t.Context()))
	}
	server, _ := state.Server("kafka")
	if err := server.Stop(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	again, err := Up(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if again.Kafka() != state.Kafka() {
		t.Errorf("Kafka came back on %s, was on %s", again.Kafka(), state.Kafka())
	}
}
