package integration

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// A parked record of a source without retries is like any other: where its retry fails, at the
// root or behind a hop, it stays parked with the new reason; when it is done, whoever asks for
// the record hears of it.
func TestParkedRecordsOfASourceWithoutRetries(t *testing.T) {
	t.Parallel()
	c := start(t, world{})
	var rootFails, leafFails atomic.Bool
	var attempts atomic.Int64
	m := &modes{options: []module.SourceOption{module.RetryNone()}}
	m.root = func(*module.Event, int) error {
		if attempts.Add(1) == 1 {
			return module.Park(errOnPurpose)
		}
		if rootFails.Load() {
			return errors.New("the root again")
		}
		return nil
	}
	m.leaf = func(*module.Event, int) error {
		if leafFails.Load() {
			return errors.New("the leaf again")
		}
		return nil
	}
	m.launch(t, c, runtime.Options{})
	var failed *client.FailedError
	if err := m.append(t, c, 1); !errors.As(err, &failed) {
		t.Fatalf("append: %v, want a FailedError", err)
	}
	parked := func(reason string) client.ParkedRef {
		t.Helper()
		all, err := c.Client().Parked(t.Context(), m.name)
		if err != nil || len(all) != 1 || all[0].Reason != reason {
			t.Fatalf("parked: %+v, %v; want one, for %q", all, err, reason)
		}
		return all[0].ParkedRef
	}
	ref := parked(errOnPurpose.Error())
	for fails, reason := range map[*atomic.Bool]string{&rootFails: "the root again", &leafFails: "step leaf: the leaf again"} {
		fails.Store(true)
		if err := c.Client().RetryParked(t.Context(), ref); err == nil {
			t.Error("a retry that failed reports nothing")
		}
		parked(reason)
		fails.Store(false)
	}
	if err := c.Client().RetryParked(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.Client().Await(ctx, failed.Place); errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("asking for the record after its retry: %v", err)
	}
	if all, err := c.Client().Parked(t.Context(), m.name); err != nil || len(all) != 0 {
		t.Errorf("parked when it is done: %+v, %v", all, err)
	}
}

// promise 3.87: a record that failed is not under way while it waits for its next attempt, also
// where one may be under way at a time.
func TestAFailureReleasesItsPlace(t *testing.T) {
	t.Parallel()
	c := start(t, world{})
	m := &modes{root: func(ev *module.Event, v int) error {
		if v == 1 && ev.Attempt() == 1 {
			return errOnPurpose
		}
		return nil
	}}
	m.name, m.leaf = unique("Modes"), fine
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Options: runtime.Options{MaxExecutingPerTask: 1, RetryBackoff: time.Hour, RetryBackoffMax: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if err := m.append(t, c, 1); !errors.Is(err, client.ErrFailed) {
		t.Fatalf("append of what fails: %v", err)
	}
	if err := m.append(t, c, 2); err != nil { // the other one waits for an hour
		t.Errorf("append of what comes behind it: %v", err)
	}
}
