package integration

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// hoard keeps a megabyte for each record.
type hoard struct {
	name  string
	Boxes module.Depot[int]
	Kept  pstate.Map[string, string]
}

const (
	boxParts = 64
	boxBytes = 1 << 20
)

func (m *hoard) ModuleName() string { return m.name }

func (m *hoard) Define(b *module.Builder) {
	module.HashDepot(b, &m.Boxes, "boxes", func(n int) int { return n })
	s := b.Stream("hoard")
	s.PState(&m.Kept, "kept")
	module.DeclareSource(s, m.Boxes, func(ev *module.Event, n int) error {
		for part := range boxParts {
			m.Kept.Key(fmt.Sprint(n, "/", part)).Set(ev, strings.Repeat(string(rune('a'+part%26)), boxBytes/boxParts))
		}
		return nil
	})
}

// R4, design 8: a worker dies that keeps so many megabytes of PStates
// (COPPICE_TEST_STATE_MB, 16 by default); another goes on with its tasks when the
// group has noticed, whatever their size: nothing is copied or restored. The log says
// how long that took.
func TestTakeOverOfMuchState(t *testing.T) {
	t.Parallel()
	kafka, redis := os.Getenv("COPPICE_TEST_KAFKA"), os.Getenv("COPPICE_TEST_REDIS")
	if kafka == "" || redis == "" {
		t.Skip("COPPICE_TEST_KAFKA and COPPICE_TEST_REDIS name no servers; make integration starts them")
	}
	megabytes := 16
	if text := os.Getenv("COPPICE_TEST_STATE_MB"); text != "" {
		var err error
		if megabytes, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t, world{kafka: kafka, redis: []string{redis}, network: grpctransport.New(grpctransport.Config{})})
	m := &hoard{name: unique("Hoard")}
	const session = 6 * time.Second
	group := c.Log().(*kafkadepot.Log).Group(kafkadepot.GroupConfig{SessionTimeout: session})
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Group: group, Options: runtime.Options{CacheEntriesMax: 1000}}); err != nil {
		t.Fatal(err)
	}
	for n := range megabytes {
		m.put(t, c, n)
	}
	dying := c.Workers()[0]
	if _, err := c.AddWorker(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	dying.Abort()
	for n := range 8 { // on every task
		m.put(t, c, n)
	}
	t.Logf("with %d MB of PStates all tasks went on %v after the worker was lost; the session timeout is %v", megabytes, time.Since(begun).Round(time.Millisecond), session)
}

// put appends a record and waits for it, over take-overs.
func (m *hoard) put(t *testing.T, c *localcluster.Cluster, n int) {
	t.Helper()
	_, err := m.Boxes.Append(t.Context(), c.Client(), n)
	for err != nil {
		var failed *client.FailedError
		var unknown *client.UnknownError
		switch {
		case errors.As(err, &failed) && failed.WillRetry:
			_, err = c.Client().Await(t.Context(), failed.Place)
		case errors.As(err, &unknown) && unknown.Place.Offset >= 0:
			_, err = c.Client().Await(t.Context(), unknown.Place)
		default:
			t.Fatal(err)
		}
	}
}
