package integration

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/localcluster"
)

// R44, T10: when a server's memory is nearly full sources begin no records, but for
// those that delete; who appends is told why. At its limit nothing can be written.
// All goes on by itself when there is room.
func TestFullMemory(t *testing.T) {
	t.Parallel()
	rig, state, c, log := masterAndReplica(t, stack.RigConfig{})
	m := &visits{name: unique("Visits")}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Come.Append(t.Context(), c.Client(), "ann"); err != nil {
		t.Fatal(err)
	}
	admin := redis.NewClient(&redis.Options{Addr: rig.Master().Address, DisableIdentity: true})
	defer admin.Close()
	limit := func(bytes int64) {
		t.Helper()
		if err := admin.ConfigSet(t.Context(), "maxmemory", strconv.FormatInt(bytes, 10)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	slot := m.slot(1)
	used, err := state.Memory(t.Context(), slot)
	if err != nil || used.UsedBytes == 0 {
		t.Fatal(used, err)
	}

	limit(used.UsedBytes * 100 / 95)
	log.await(t, "fills up")
	var throttled *client.ThrottledError
	if _, err := m.Come.Append(t.Context(), c.Client(), "ann"); !errors.As(err, &throttled) || !strings.Contains(err.Error(), "store.memory.stop.percent") {
		t.Fatalf("an append while the store's memory is nearly full: %v", err)
	}
	if _, err := m.Leave.Append(t.Context(), c.Client(), "ann"); err != nil {
		t.Fatalf("a delete while the store's memory is nearly full: %v", err)
	}
	limit(0)
	log.await(t, "has room again")
	if _, err := c.Client().Await(t.Context(), throttled.Place); err != nil {
		t.Fatalf("the record that waited: %v", err)
	}
	if n, err := m.Counts.Key("ann").Get(c.Client().At(t.Context())); n != 1 || err != nil {
		t.Errorf("%d visits, want 1: one was deleted, the one that waited came after it; %v", n, err)
	}

	release, err := rig.FillMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() {
		_, err := m.Leave.Append(t.Context(), c.Client(), "ann")
		left <- err
	}()
	log.await(t, "the server's memory is full: raise maxmemory")
	if err := release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-left; err != nil {
		var failed *client.FailedError
		if !errors.As(err, &failed) || !failed.WillRetry {
			t.Fatal(err)
		}
		if _, err := c.Client().Await(t.Context(), failed.Place); err != nil {
			t.Fatal(err)
		}
	}
}
