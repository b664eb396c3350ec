package integration

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/connect"
	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/worker"
)

// The suite that runs on servers with TLS, users and rights, and on workers that show each
// other certificates. make secure-test starts the servers, and sets what package connect
// reads and COPPICE_TEST_SECURE: the folder with the secrets of all users.

// secretFile is a file of the secure servers.
func secretFile(name string) string { return filepath.Join(os.Getenv("COPPICE_TEST_SECURE"), name) }

// secureServers are the secure ones, as a worker comes to them.
func secureServers(t *testing.T) connect.Config {
	t.Helper()
	if os.Getenv("COPPICE_TEST_SECURE") == "" {
		t.Skip("COPPICE_TEST_SECURE names no secure servers; make secure-test starts them")
	}
	var c connect.Config
	if err := c.CompleteWorker(os.Getenv); err != nil {
		t.Fatal(err)
	}
	return c
}

// asUser has the servers see another user.
func asUser(c connect.Config, user string) connect.Config {
	file := secretFile(user + ".password")
	c.Kafka.Login = connect.Login{User: user, PasswordFile: file}
	c.Redis.Login = c.Kafka.Login
	return c
}

// quietly is a logger of which nobody hears, unless the test fails.
func quietly(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// secureWorker runs a worker of modules until the test ends.
func secureWorker(t *testing.T, c connect.Config, modules ...module.Module) *worker.Worker {
	t.Helper()
	log, err := c.Log(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	state, err := c.Store(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	network, err := c.Network(quietly(t))
	if err != nil {
		t.Fatal(err)
	}
	w, err := worker.Start(t.Context(), worker.Config{
		Log: log, Store: state, Network: network, Nominations: log.Group(kafkadepot.GroupConfig{}), Tasks: 4,
		Logger: quietly(t), StartTimeout: time.Minute,
	}, modules...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	return w
}

// secureClient is a client.
func secureClient(t *testing.T, c connect.Config) *client.Client {
	t.Helper()
	log, err := c.Log(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	state, err := c.Store(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	network, err := c.Network(nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := client.New(client.Config{Log: log, Store: state, Network: network})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// secured is the example under a name of its own.
type secured struct {
	wordcount.Words
	name string
}

func (m *secured) ModuleName() string { return m.name }

// secureWords is a module of this test alone.
func secureWords() *secured {
	return &secured{name: "Words" + strings.ReplaceAll(uuid.NewString(), "-", "")}
}

// countsWords appends a sentence and reads what came of it.
func countsWords(t *testing.T, c *client.Client, m *secured) {
	t.Helper()
	if err := c.Use(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	acks, err := m.Sentences.Append(t.Context(), c, "to be or not to be")
	if err != nil {
		t.Fatal(err)
	}
	if total, _ := m.Total.From(acks); total != 6 {
		t.Errorf("an append returned %d, want 6", total)
	}
	if n, err := m.Counts.Key("be").Get(c.At(t.Context())); err != nil || n != 2 {
		t.Errorf("be is counted %d times (%v), want 2", n, err)
	}
}
