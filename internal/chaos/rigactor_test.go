package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/internal/faultproxy"
	"github.com/coppice-run/coppice/internal/stack"
)

// broken is a rig with two programs as workers, and its actor.
type broken struct {
	*RigActor
	t       *testing.T
	started chan int
	lines   bytes.Buffer
}

func open(t *testing.T, kafka bool) *broken {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	rig, err := stack.OpenRig(t.Context(), stack.RigConfig{Folder: t.TempDir(), NoKafka: !kafka, Doors: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rig.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b := &broken{t: t, started: make(chan int, 1)}
	b.RigActor = &RigActor{
		Rig:      rig,
		Worker:   func(i int) string { return fmt.Sprint("worker-", i+1) },
		Started:  func(_ context.Context, i int) error { b.started <- i; return nil },
		Timeline: NewTimeline(&b.lines),
	}
	for i := range 2 {
		if _, err := rig.Launch(b.Worker(i), nil, "sleep", "600"); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *broken) do(fault Fault, steps ...Step) {
	b.t.Helper()
	for _, step := range steps {
		if err := b.Do(b.t.Context(), fault, step); err != nil {
			b.t.Fatalf("%s: %s: %v", fault.Kind, step, err)
		}
	}
}

// client goes by a door and does not try twice.
func (b *broken) client(door int) *goredis.Client {
	b.t.Helper()
	client := goredis.NewClient(&goredis.Options{
		Addr: b.Rig.Doors()[door].Address(), Protocol: 2, PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
		DisableIdentity: true, ReadTimeout: 200 * time.Millisecond,
	})
	b.t.Cleanup(func() { _ = client.Close() }) // only the connection is left
	return client
}

// wantSet writes, which succeeds or not.
func (b *broken) wantSet(client *goredis.Client, key string, succeeds bool) {
	b.t.Helper()
	if err := client.Set(b.t.Context(), key, "yes", 0).Err(); (err == nil) != succeeds {
		b.t.Errorf("SET %s gives %v, want success: %t", key, err, succeeds)
	}
}

func TestRigActorBreaksRedisAndMendsIt(t *testing.T) {
	t.Parallel()
	for _, fault := range []Fault{
		{Kind: RedisStall, Target: Everyone, Direction: faultproxy.ToClient},
		{Kind: RedisRestart, Target: Everyone},
		{Kind: RedisKill, Target: Everyone},
		{Kind: RedisFull, Target: Everyone},
	} {
		t.Run(string(fault.Kind), func(t *testing.T) {
			t.Parallel()
			b := open(t, false)
			b.wantSet(b.client(0), "before", true)
			b.do(fault, Begin)
			b.wantSet(b.client(1), "meanwhile", false)
			b.do(fault, Mend)
			b.wantSet(b.client(1), "after", true)
			if n, err := b.client(0).Exists(t.Context(), "before", "after").Result(); n != 2 || err != nil {
				t.Errorf("%d of 2 keys are there afterwards, %v", n, err)
			}
		})
	}
}

// A fault of one worker's connections leaves the other's alone.
func TestRigActorBreaksTheConnectionsOfOneWorker(t *testing.T) {
	t.Parallel()
	b := open(t, false)
	mine, others := b.client(0), b.client(1)
	both := func(my, other bool) {
		t.Helper()
		b.wantSet(mine, "x", my)
		b.wantSet(others, "x", other)
	}
	both(true, true)
	stall := Fault{Number: 1, Kind: RedisStall, Target: 0, Direction: faultproxy.Both}
	b.do(stall, Begin)
	both(false, true)
	b.do(stall, Mend)
	both(true, true)
	within := Fault{Number: 2, Kind: RedisCut, Target: 1, Direction: faultproxy.ToServer, Bytes: 10}
	b.do(within, Begin)
	both(true, false)
	both(true, true) // on a new connection: the cut is over
	b.do(within, Mend)
	never := Fault{Number: 3, Kind: RedisCut, Target: 0, Direction: faultproxy.ToServer, Bytes: 10_000}
	b.do(never, Begin, Mend)
	if err := mine.Set(t.Context(), "long", strings.Repeat("x", 20_000), 0).Err(); err != nil {
		t.Errorf("a cut that was mended before it came: %v", err)
	}
	cut := b.Rig.Doors()[0].Counts().Cut
	b.do(Fault{Number: 4, Kind: RedisCut, Target: Everyone}, Begin, Mend)
	if got := b.Rig.Doors()[0].Counts().Cut; got <= cut {
		t.Error("a cut of everyone has cut nobody at door 1")
	}
}

// The connections that are not cut stay with the old master until it is demoted.
func TestRigActorPromotes(t *testing.T) {
	t.Parallel()
	b := open(t, false)
	mine, others := b.client(0), b.client(1)
	b.wantSet(mine, "before", true)
	b.wantSet(others, "before", true)
	if err := b.Rig.Synced(t.Context()); err != nil {
		t.Fatal(err)
	}
	fault := Fault{Number: 9, Kind: RedisPromote, Target: 0, Turn: time.Second, Lasts: 2 * time.Second}
	b.do(fault, Begin)
	b.wantSet(mine, "tail", true)
	b.do(fault, Turn)
	b.wantSet(others, "zombie", true)
	_ = mine.Ping(t.Context()) // notices that its connection was cut
	if n, err := mine.Exists(t.Context(), "tail", "zombie").Result(); n != 0 || err != nil {
		t.Errorf("%d keys of the old master are at the new one, %v", n, err)
	}
	b.do(fault, Mend)
	b.wantSet(others, "late", false)
	b.wantSet(mine, "after", true)
	entries, err := ReadTimeline(&b.lines)
	if err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Detail, "fault 9: ") || strings.Contains(entries[0].Detail, " 0 bytes") {
		t.Errorf("the timeline has %+v (%v), want a line of what was lost", entries, err)
	}
	// Given up before its turn, the replica follows again.
	b.do(Fault{Number: 10, Kind: RedisPromote}, Begin, Mend)
	if err := b.Rig.Synced(t.Context()); err != nil {
		t.Error(err)
	}
}

// What the master has answered since the beginning is gone, also at its replica.
func TestRigActorLosesATail(t *testing.T) {
	t.Parallel()
	b := open(t, false)
	b.wantSet(b.client(0), "before", true)
	fault := Fault{Number: 3, Kind: RedisTail, Target: Everyone, Turn: time.Second, Lasts: time.Second}
	b.do(fault, Begin)
	b.wantSet(b.client(0), "tail", true)
	b.do(fault, Turn)
	b.wantSet(b.client(0), "meanwhile", false)
	b.do(fault, Mend)
	for _, server := range []stack.Server{b.Rig.Master(), b.Rig.Replica()} {
		client := goredis.NewClient(&goredis.Options{Addr: server.Address, Protocol: 2, DisableIdentity: true})
		before, err := client.Exists(t.Context(), "before").Result()
		tail, tailErr := client.Exists(t.Context(), "tail").Result()
		if before != 1 || tail != 0 || err != nil || tailErr != nil {
			t.Errorf("%s has %d of the keys before the tail and %d of the tail, %v, %v", server.Name, before, tail, err, tailErr)
		}
		_ = client.Close() // only the connection is left
	}
	entries, err := ReadTimeline(&b.lines)
	if err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Detail, "fault 3: ") {
		// 0 bytes of the file where the server was still waiting for the disk with its last writes.
		t.Errorf("the timeline has %+v (%v), want a line of what was lost", entries, err)
	}
	// Given up before its turn, the master goes on.
	b.do(Fault{Number: 4, Kind: RedisTail, Target: Everyone}, Begin, Mend)
	b.wantSet(b.client(0), "after", true)
}

func TestRigActorBreaksWorkers(t *testing.T) {
	t.Parallel()
	b := open(t, false)
	before, _ := b.Rig.State().Server("worker-2")
	b.do(Fault{Kind: WorkerPause, Target: 1}, Begin, Mend)
	fault := Fault{Kind: WorkerKill, Target: 1}
	b.do(fault, Begin)
	if before.Alive() {
		t.Error("the worker lives after its kill")
	}
	b.do(fault, Mend)
	if i := <-b.started; i != 1 {
		t.Errorf("worker %d was started again, want 1", i)
	}
	after, _ := b.Rig.State().Server("worker-2")
	if !after.Alive() || after.Pid == before.Pid {
		t.Errorf("the worker is %+v afterwards", after)
	}
	if err := (&RigActor{Rig: b.Rig}).Do(t.Context(), fault, Begin); err == nil {
		t.Error("a worker without a name was killed")
	}
}

// A whole run on real servers: every kind comes, everything is mended, and all servers are well afterwards.
func TestRunOnARig(t *testing.T) {
	t.Parallel()
	if os.Getenv("COPPICE_TEST_KAFKA") == "" {
		t.Skip("COPPICE_TEST_KAFKA is not set: make integration sets it")
	}
	b := open(t, true)
	b.Started = nil
	plan := Plan{Duration: 20 * time.Second, Workers: 2}
	for i, kind := range Kinds() {
		f := Fault{Number: i + 1, Kind: kind, Target: Everyone, At: time.Duration(i) * 100 * time.Millisecond, Lasts: 200 * time.Millisecond}
		switch kind {
		case WorkerKill, WorkerPause:
			f.Target = i % 2
		case RedisPromote, RedisTail:
			f.Turn = 100 * time.Millisecond
		case RedisStall, KafkaStall:
			f.Direction = faultproxy.Both
		}
		plan.Faults = append(plan.Faults, f)
	}
	if err := Run(t.Context(), plan, b.RigActor, b.Timeline); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadTimeline(&b.lines)
	if err != nil {
		t.Fatal(err)
	}
	if spans := Spans(entries); len(spans) != len(Kinds()) || slices.ContainsFunc(spans, func(s Span) bool { return s.Until.IsZero() }) {
		t.Errorf("not all of the faults came and were mended: %+v", spans)
	}
	var problems []error
	for _, health := range b.Rig.State().Check(t.Context()) {
		if health.Problem != "" {
			problems = append(problems, fmt.Errorf("%s: %s", health.Name, health.Problem))
		}
	}
	if err := errors.Join(problems...); err != nil {
		t.Error(err)
	}
}
