package integration

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/faultproxy"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// told hears log lines, and lets tests wait for one.
type told struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func newTold() *told { return &told{more: make(chan struct{}, 1)} }

func (t *told) Write(line []byte) (int, error) {
	t.mu.Lock()
	t.lines = append(t.lines, string(line))
	t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
	return len(line), nil
}

func (t *told) logger() *slog.Logger { return slog.New(slog.NewTextHandler(t, nil)) }

// await waits until a line has all the words.
func (t *told) await(tb testing.TB, words ...string) {
	tb.Helper()
	for {
		t.mu.Lock()
		for _, line := range t.lines {
			found := true
			for _, w := range words {
				found = found && strings.Contains(line, w)
			}
			if found {
				t.mu.Unlock()
				return
			}
		}
		t.mu.Unlock()
		select {
		case <-t.more:
		case <-tb.Context().Done():
			tb.Fatalf("nobody said %q", words)
		}
	}
}

// masterAndReplica starts a Redis master with a replica, and a cluster of this process on them.
func masterAndReplica(t *testing.T, config stack.RigConfig) (*stack.Rig, *redisstate.Store, *localcluster.Cluster, *told) {
	t.Helper()
	if os.Getenv("COPPICE_TEST_REDIS") == "" {
		t.Skip("COPPICE_TEST_REDIS names no server; make integration starts them, and these of their own")
	}
	config.Folder, config.NoKafka = t.TempDir(), true
	rig, err := stack.OpenRig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rig.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	log := newTold()
	state, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: []string{rig.Doors()[0].Address()}, Logger: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	c, err := localcluster.Start(t.Context(), localcluster.Config{Store: state, Logger: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return rig, state, c, log
}

// visits counts what it is told; what comes by the depot leave is deleted, also when
// memory is nearly full.
type visits struct {
	name   string
	Come   module.Depot[string]
	Leave  module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *visits) ModuleName() string { return m.name }

func (m *visits) Define(b *module.Builder) {
	module.HashDepot(b, &m.Come, "come", func(v string) string { return v }, module.Text())
	module.HashDepot(b, &m.Leave, "leave", func(v string) string { return v }, module.Text())
	s := b.Stream("visits")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Come, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	})
	module.DeclareSource(s, m.Leave, func(ev *module.Event, v string) error {
		m.Counts.Key(v).Delete(ev)
		return nil
	}, module.GoOnWhenFull())
}

// R40, R41, promise 3.40, T1, T14: at level replicated 1 an append is answered when
// the replica has its effects, and not before, however often that is asked for;
// readers see them meanwhile. When the replica is back everything goes on.
func TestAcksWaitForTheReplica(t *testing.T) {
	t.Parallel()
	rig, state, c, log := masterAndReplica(t, stack.RigConfig{})
	if warnings, err := state.CheckLevel(t.Context(), store.Replicated(2)); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "1 replicas connected") {
		t.Errorf("a level that waits for two replicas where there is one: warnings %q, error %v", warnings, err)
	}
	m := &visits{name: unique("Visits")}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2, Options: runtime.Options{Durability: store.Replicated(1)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Come.Append(t.Context(), c.Client(), "ann"); err != nil {
		t.Fatal(err)
	}
	rig.Isolate()
	acked := make(chan error, 1)
	go func() {
		_, err := m.Come.Append(t.Context(), c.Client(), "ann")
		acked <- err
	}()
	log.await(t, "does not reach its durability level", "0 of 1 replicas")
	if n, err := m.Counts.Key("ann").Get(c.Client().At(t.Context())); n != 2 || err != nil {
		t.Errorf("readers see %d visits, want 2: what is applied; %v", n, err)
	}
	select {
	case err := <-acked:
		t.Fatalf("the append was answered though the replica does not have it: %v", err)
	default:
	}
	if err := rig.Rejoin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-acked; err != nil {
		t.Errorf("the append that waited: %v", err)
	}
	log.await(t, "reach their durability level again")
}

// R40, T1: a commit that only a master has, which is lost, is lost before anything
// of it has left: what was acked at level replicated 1 is there after the replica
// was promoted, and the rest runs again.
func TestWhatWasAckedSurvivesThePromotion(t *testing.T) {
	t.Parallel()
	rig, _, c, log := masterAndReplica(t, stack.RigConfig{})
	m := &visits{name: unique("Visits")}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2, Options: runtime.Options{Durability: store.Replicated(1)}}); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, err := m.Come.Append(t.Context(), c.Client(), "ann"); err != nil {
			t.Fatal(err)
		}
	}
	rig.Isolate()
	acked := make(chan error, 1)
	go func() {
		_, err := m.Come.Append(t.Context(), c.Client(), "ann")
		acked <- err
	}()
	log.await(t, "does not reach its durability level")
	if err := rig.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	rig.Doors()[0].Cut(faultproxy.Reset)
	if lost, err := rig.Demote(t.Context()); err != nil || lost == 0 {
		t.Fatalf("the promotion lost %d bytes: %v", lost, err)
	}
	if err := rig.Synced(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-acked; err != nil {
		var failed *client.FailedError
		if !errors.As(err, &failed) || !failed.WillRetry {
			t.Fatal(err)
		}
		if _, err := c.Client().Await(t.Context(), failed.Place); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := m.Counts.Key("ann").Get(c.Client().At(t.Context())); n != 51 || err != nil {
		t.Errorf("%d visits, want 51; %v", n, err)
	}
}

// R40, R41: level fsynced asks for a server that can say so, with an append-only
// file; there appends are answered.
func TestAcksWaitForTheDisk(t *testing.T) {
	t.Parallel()
	newer := os.Getenv("COPPICE_TEST_REDIS_NEWER")
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		_, state, _, _ := masterAndReplica(t, stack.RigConfig{RedisServer: newer, RedisArguments: []string{"--appendonly", "no"}})
		want := "appendonly no"
		if newer == "" {
			want = "WAITAOF"
		}
		if _, err := state.CheckLevel(t.Context(), store.Fsynced); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	})
	t.Run("answered", func(t *testing.T) {
		t.Parallel()
		if newer == "" {
			t.Skip("COPPICE_TEST_REDIS_NEWER names no redis-server of version 7.2 or newer")
		}
		_, state, c, _ := masterAndReplica(t, stack.RigConfig{RedisServer: newer, RedisArguments: []string{"--appendfsync", "everysec"}})
		if warnings, err := state.CheckLevel(t.Context(), store.Fsynced); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "appendfsync everysec") {
			t.Errorf("warnings %q, error %v", warnings, err)
		}
		m := &visits{name: unique("Visits")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2, Options: runtime.Options{Durability: store.Level{Fsynced: true, Replicas: 1}}}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := m.Come.Append(t.Context(), c.Client(), "ann"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// slot names the slot of a module's first task.
func (m *visits) slot(tasks int) store.Slot { return wire.Slot(task.Tag(m.name, 0, tasks)) }

// moves hears of tasks that leave a server because another is the master, and of those
// that own their slot again.
type moves struct {
	mu         sync.Mutex
	left, took int
	more       chan struct{}
}

func (m *moves) listener() *runtime.Listener {
	return &runtime.Listener{
		Dropped: func(i runtime.DroppedInfo) {
			if strings.Contains(i.Cause.Error(), "another server is") {
				m.note(&m.left)
			}
		},
		Took: func(runtime.TookInfo) { m.note(&m.took) },
	}
}

func (m *moves) note(what *int) {
	m.mu.Lock()
	*what++
	m.mu.Unlock()
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// have reports whether so many have left and taken.
func (m *moves) have(left, took int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left >= left && m.took >= took
}

// await waits until so many have left and taken.
func (m *moves) await(tb testing.TB, left, took int) {
	tb.Helper()
	for {
		if m.have(left, took) {
			return
		}
		select {
		case <-m.more:
		case <-tb.Context().Done():
			tb.Fatalf("%d tasks left and %d took their slots, want %d and %d", m.left, m.took, left, took)
		}
	}
}

// R18: a master that was replaced goes on answering, and nobody cuts the connections to
// it. Its owners find out, busy or idle, and take their slots on the new one; what was
// appended meanwhile is processed there.
func TestOwnersLeaveAServerThatWasReplaced(t *testing.T) {
	t.Parallel()
	rig, _, c, _ := masterAndReplica(t, stack.RigConfig{})
	const tasks = 2
	m, moved := &visits{name: unique("Visits")}, &moves{more: make(chan struct{}, 1)}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: tasks, Listener: moved.listener()}); err != nil {
		t.Fatal(err)
	}
	appendOne := func() {
		t.Helper()
		if _, err := m.Come.Append(t.Context(), c.Client(), "ann"); err != nil {
			var failed *client.FailedError
			if !errors.As(err, &failed) || !failed.WillRetry {
				t.Fatal(err)
			}
			if _, err := c.Client().Await(t.Context(), failed.Place); err != nil {
				t.Fatal(err)
			}
		}
	}
	appendOne()
	if err := rig.Synced(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := rig.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	appended := 1
	for !moved.have(tasks, 2*tasks) { // one task is busy, the other idle
		appendOne()
		appended++
	}
	appendOne() // records of one key are processed in their order
	appended++
	fresh, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: []string{rig.Master().Address}})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	total := 0
	for id := range task.ID(tasks) {
		slot := wire.Slot(task.Tag(m.name, id, tasks))
		reads := []store.Read{{Kind: store.Get, Table: store.Table{Key: "{" + slot.Tag + "}:p:counts", Kind: store.Map}, Field: "ann"}}
		if _, err := fresh.Read(t.Context(), slot, reads); err != nil {
			t.Fatal(err)
		}
		if reads[0].Found {
			if total, err = strconv.Atoi(reads[0].Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if total != appended {
		t.Errorf("the new master has counted %d of %d visits", total, appended)
	}
}

// R18, R40: a commit that waits for a replica which has become the master waits for
// ever; its owner finds out.
func TestACommitThatWaitsLeavesAServerThatWasReplaced(t *testing.T) {
	t.Parallel()
	rig, _, c, _ := masterAndReplica(t, stack.RigConfig{})
	m, moved := &visits{name: unique("Visits")}, &moves{more: make(chan struct{}, 1)}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1, Options: runtime.Options{Durability: store.Replicated(1)}, Listener: moved.listener()}); err != nil {
		t.Fatal(err)
	}
	if err := rig.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	acked := make(chan error, 1)
	go func() {
		_, err := m.Come.Append(t.Context(), c.Client(), "ann")
		acked <- err
	}()
	moved.await(t, 1, 1)
	if _, err := rig.Demote(t.Context()); err != nil {
		t.Fatal(err)
	}
	moved.await(t, 1, 2)
	if err := <-acked; err != nil {
		var failed *client.FailedError
		if !errors.As(err, &failed) || !failed.WillRetry {
			t.Fatal(err)
		}
		if _, err := c.Client().Await(t.Context(), failed.Place); err != nil {
			t.Fatal(err)
		}
	}
}
