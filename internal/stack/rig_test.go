package stack

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/internal/faultproxy"
)

// rig opens a rig in a folder of the test's own.
func rig(t *testing.T, config RigConfig) *Rig {
	t.Helper()
	needs(t, "redis-server")
	config.Folder = t.TempDir()
	r, err := OpenRig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		for _, server := range r.State().Servers {
			if server.Alive() {
				t.Errorf("%s (pid %d) lives after Close", server.Name, server.Pid)
			}
		}
	})
	return r
}

// through is a client that goes by a door, over one connection as long as that lives.
func through(t *testing.T, door *faultproxy.Proxy) *redis.Client {
	t.Helper()
	client := redisClient(door.Address())
	t.Cleanup(func() { _ = client.Close() }) // some tests close it
	return client
}

func set(t *testing.T, client *redis.Client, key string) {
	t.Helper()
	if err := client.Set(t.Context(), key, "yes", 0).Err(); err != nil {
		t.Fatalf("SET %s: %v", key, err)
	}
}

func wantKeys(t *testing.T, client *redis.Client, want string) {
	t.Helper()
	var have []string
	for _, key := range []string{"before", "tail", "late"} {
		switch err := client.Get(t.Context(), key).Err(); {
		case err == nil:
			have = append(have, key)
		case !errors.Is(err, redis.Nil):
			t.Fatalf("GET %s: %v", key, err)
		}
	}
	if got := strings.Join(have, " "); got != want {
		t.Errorf("has %q, want %q", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A replica that was cut off is promoted: the tail that the master had answered is gone, and until it is
// demoted the old master goes on answering those whose connections it has (traps 1 and 2).
func TestPromotionLosesTheTail(t *testing.T) {
	t.Parallel()
	r := rig(t, RigConfig{NoKafka: true})
	door := r.Doors()[0]
	old, oldName := through(t, door), r.Master().Name
	set(t, old, "before")
	if n, err := old.Wait(t.Context(), 1, time.Minute).Result(); n != 1 || err != nil {
		t.Fatalf("WAIT answers %d, %v; want 1", n, err)
	}
	r.Isolate()
	r.Isolate()
	set(t, old, "tail")
	must(t, r.Promote(t.Context()))
	if r.Master().Name == oldName || r.Replica().Name != oldName {
		t.Errorf("master %s, replica %s after the promotion; the old master is %s", r.Master().Name, r.Replica().Name, oldName)
	}
	set(t, old, "late")
	next := through(t, door)
	wantKeys(t, next, "before")
	wantKeys(t, old, "before tail late")

	lost, err := r.Demote(t.Context())
	must(t, err)
	if lost <= 0 {
		t.Errorf("%d bytes were lost, want some", lost)
	}
	wantKeys(t, old, "before")
	if err := old.Set(t.Context(), "late", "yes", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("a write on an old connection after the demotion gives %v, want READONLY", err)
	}
	// And back again: the roles have changed for good.
	set(t, next, "tail")
	if n, err := next.Wait(t.Context(), 1, time.Minute).Result(); n != 1 || err != nil {
		t.Fatalf("WAIT answers %d, %v; want 1", n, err)
	}
	must(t, r.Promote(t.Context()))
	lost, err = r.Demote(t.Context())
	must(t, err)
	if lost > 100 {
		t.Errorf("%d bytes were lost by a promotion whose replica had all", lost)
	}
	door.Cut(faultproxy.Reset)
	wantKeys(t, through(t, door), "before tail")
}

func TestPromotionsComeOneByOne(t *testing.T) {
	t.Parallel()
	r := rig(t, RigConfig{NoKafka: true})
	if _, err := r.Demote(t.Context()); err == nil {
		t.Error("a demotion without a promotion succeeds")
	}
	must(t, r.Promote(t.Context()))
	if err := r.Promote(t.Context()); err == nil {
		t.Error("a promotion of the old master before its demotion succeeds")
	}
}

// The old master is dead when it is demoted, and comes back as a replica.
func TestDemotionOfADeadMaster(t *testing.T) {
	t.Parallel()
	r := rig(t, RigConfig{NoKafka: true, Doors: 2})
	client := through(t, r.Doors()[1])
	set(t, client, "before")
	must(t, r.Synced(t.Context()))
	r.Isolate()
	set(t, client, "tail")
	old := r.Master()
	must(t, r.Kill(t.Context(), old.Name))
	must(t, r.Promote(t.Context()))
	lost, err := r.Demote(t.Context())
	if lost != -1 || err != nil {
		t.Errorf("demotion of a dead master: %d, %v; want -1", lost, err)
	}
	must(t, r.Start(t.Context(), old.Name))
	must(t, r.Synced(t.Context()))
	for _, server := range r.State().Servers {
		direct := redisClient(server.Address)
		wantKeys(t, direct, "before")
		must(t, direct.Close())
	}
}

func TestRejoinEndsAnIsolation(t *testing.T) {
	t.Parallel()
	r := rig(t, RigConfig{NoKafka: true})
	client := through(t, r.Doors()[0])
	r.Isolate()
	set(t, client, "tail")
	if n, err := client.Wait(t.Context(), 1, 50*time.Millisecond).Result(); n != 0 || err != nil {
		t.Errorf("WAIT while the replica is isolated answers %d, %v; want 0", n, err)
	}
	must(t, r.Rejoin(t.Context()))
	replica := redisClient(r.Replica().Address)
	defer replica.Close()
	wantKeys(t, replica, "tail")
}

// Servers come back on their addresses with their data, however they ended, and as what they were.
func TestControlsOfRedis(t *testing.T) {
	t.Parallel()
	r := rig(t, RigConfig{NoKafka: true})
	door := r.Doors()[0]
	set(t, through(t, door), "before")
	master := r.Master()
	must(t, r.Restart(t.Context(), master.Name))
	wantKeys(t, through(t, door), "before")
	must(t, r.Kill(t.Context(), master.Name))
	if err := through(t, door).Ping(t.Context()).Err(); err == nil {
		t.Error("the door answers while the master is dead")
	}
	must(t, r.Start(t.Context(), master.Name))
	must(t, r.Start(t.Context(), master.Name)) // what runs is left as it is
	wantKeys(t, through(t, door), "before")
	if again := r.Master(); again.Address != master.Address || again.Pid == master.Pid || !again.Alive() {
		t.Errorf("the master came back as %+v, was %+v", again, master)
	}
	must(t, r.Synced(t.Context()))
	must(t, r.Restart(t.Context(), r.Replica().Name))
	must(t, r.Synced(t.Context()))

	must(t, r.Pause(master.Name))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := through(t, door).Ping(ctx).Err(); err == nil {
		t.Error("a paused server answers")
	}
	must(t, r.Resume(master.Name))
	wantKeys(t, through(t, door), "before")

	var unknown *UnknownServerError
	if err := r.Kill(t.Context(), "nobody"); !errors.As(err, &unknown) || unknown.Server != "nobody" {
		t.Errorf("Kill of an unknown server: %v, want an UnknownServerError", err)
	}
	if _, err := OpenRig(t.Context(), RigConfig{Folder: r.config.Folder}); err == nil {
		t.Error("a second rig opens in the folder of the first")
	}
}

// Memory is full (trap 10): a transaction that may grow is refused as a whole, reads go on, and it ends.
func TestFillMemory(t *testing.T) {
	t.Parallel()
	r := rig(t, RigConfig{NoKafka: true})
	client := through(t, r.Doors()[0])
	set(t, client, "before")
	release, err := r.FillMemory(t.Context())
	must(t, err)
	pipe := client.TxPipeline()
	pipe.Del(t.Context(), "before")
	pipe.Set(t.Context(), "late", "yes", 0)
	if _, err := pipe.Exec(t.Context()); err == nil {
		t.Error("a transaction that writes succeeds while memory is full")
	}
	if err := client.Set(t.Context(), "late", "yes", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "OOM") {
		t.Errorf("a write while memory is full gives %v, want OOM", err)
	}
	wantKeys(t, client, "before")
	must(t, release(t.Context()))
	must(t, release(t.Context()))
	set(t, client, "late")
	if got, err := client.ConfigGet(t.Context(), "maxmemory").Result(); err != nil || got["maxmemory"] != "0" {
		t.Errorf("maxmemory is %v (%v) after the release, want 0", got, err)
	}
}

// A program, such as a worker, is killed, paused and started again like a server, and ends with the rig.
func TestRigLaunchesPrograms(t *testing.T) {
	t.Parallel()
	r := rig(t, RigConfig{NoKafka: true})
	self, err := os.Executable()
	must(t, err)
	program, err := r.Launch("worker-1", []string{playAs + "=gentle"}, self)
	must(t, err)
	said := func(times int) {
		t.Helper()
		must(t, poll(t.Context(), func() bool {
			text, err := r.Log("worker-1")
			return err == nil && strings.Count(string(text), "ready") == times
		}))
	}
	said(1)
	if _, err := r.Launch("worker-1", nil, self); err == nil {
		t.Error("two programs have one name")
	}
	must(t, r.Pause("worker-1"))
	must(t, r.Resume("worker-1"))
	must(t, r.Pause("worker-1"))
	must(t, r.Kill(t.Context(), "worker-1"))
	if err := program.Check(t.Context()); err == nil {
		t.Error("a program that was killed passes its check")
	}
	must(t, r.Start(t.Context(), "worker-1"))
	said(2)
	again, _ := r.State().Server("worker-1")
	if again.Pid == program.Pid || !again.Alive() {
		t.Errorf("the program came back as %+v, was %+v", again, program)
	}
	if err := again.Signal(syscall.Signal(0)); err != nil {
		t.Error(err)
	}
}

// Clients of Kafka stay with the proxy, whose faults leave the broker's own address alone.
func TestRigKafka(t *testing.T) {
	t.Parallel()
	if os.Getenv("COPPICE_TEST_KAFKA") == "" {
		t.Skip("COPPICE_TEST_KAFKA is not set: make integration sets it")
	}
	needs(t, "java")
	r := rig(t, RigConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	open := func(address string) *kgo.Client {
		client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"))
		must(t, err)
		t.Cleanup(client.Close)
		return client
	}
	client, beside := open(r.Kafka().Address()), open(r.State().Kafka())
	_, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, "t")
	must(t, err)
	produce := func(client *kgo.Client, value string) {
		t.Helper()
		must(t, client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr())
	}
	produce(client, "1")
	metadata, err := kadm.NewClient(client).BrokerMetadata(ctx)
	must(t, err)
	for _, broker := range metadata.Brokers {
		if told := net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port))); told != r.Kafka().Address() {
			t.Errorf("the client was sent to %s, want the proxy %s", told, r.Kafka().Address())
		}
	}
	release := r.Kafka().Refuse()
	r.Kafka().Cut(faultproxy.Reset)
	produce(beside, "2")
	release()
	produce(client, "3")
	must(t, r.Restart(ctx, KafkaName))
	produce(client, "4")
	must(t, r.Kill(ctx, KafkaName))
	must(t, r.Start(ctx, KafkaName))
	produce(client, "5")
	var got []string
	for len(got) < 5 {
		fetches := client.PollFetches(ctx)
		must(t, fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) { got = append(got, string(record.Value)) })
	}
	if text := strings.Join(got, ""); text != "12345" {
		t.Errorf("the log holds %s, want 12345", text)
	}
}
