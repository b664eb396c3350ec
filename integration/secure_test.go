package integration

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/connect"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/transport"
)

// Two workers on TLS, SASL and ACL, with mTLS between them: hops, appends and reads, from
// a program and from the command line.
func TestSecureWorkersOnServers(t *testing.T) {
	t.Parallel()
	c := secureServers(t)
	m := secureWords()
	secureWorker(t, c, m)
	other := *m
	secureWorker(t, c, &other)
	countsWords(t, secureClient(t, c), m)
	command := exec.CommandContext(t.Context(), "go", "run", "../cmd/coppice", "select", module.NameOf(m), "counts", `key("be")`)
	if out, err := command.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "2" {
		t.Errorf("coppice select: %v, printed %q; want 2", err, out)
	}
}

// Every mechanism that is offered lets a worker in.
func TestSecureMechanisms(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"scram-sha-256", "scram-sha-512", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			c := secureServers(t)
			c.Kafka.SASL = mechanism
			if mechanism == "oauthbearer" {
				c.Kafka.Login, c.Kafka.TokenFile = connect.Login{}, secretFile("worker.token")
			}
			m := secureWords()
			secureWorker(t, c, m)
			countsWords(t, secureClient(t, c), m)
		})
	}
}

// Who comes to Kafka in a wrong way is told so, and what to do.
func TestSecureKafkaLetsNobodyElseIn(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct {
		how  func(*connect.Config)
		says string
	}{
		"wrong password": {func(c *connect.Config) { c.Kafka.Login.PasswordFile = secretFile("wrong.password") }, "set the right user and password"},
		"unknown user":   {func(c *connect.Config) { c.Kafka.Login.User = "somebody" }, "set the right user and password"},
		"no user":        {func(c *connect.Config) { c.Kafka.SASL, c.Kafka.Login = "", connect.Login{} }, "set a mechanism, a user and a password"},
		"no TLS":         {func(c *connect.Config) { c.Kafka.TLS = connect.TLS{} }, "set it"},
		"wrong authority": {func(c *connect.Config) { c.Kafka.TLS.Authorities = secretFile("stranger/stranger.pem") },
			"signed by an authority that is not trusted here"},
		"expired token": {func(c *connect.Config) {
			c.Kafka.SASL, c.Kafka.Login, c.Kafka.TokenFile = "oauthbearer", connect.Login{}, secretFile("expired.token")
		}, "use one that counts now"},
		"mechanism that is not offered": {func(c *connect.Config) { c.Kafka.SASL = "plain" }, "choose a mechanism that the brokers have"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := secureServers(t)
			wrong.how(&c)
			log, err := c.Log(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			wantDenied(t, log.Check(t.Context()), depot.ErrDenied, wrong.says)
		})
	}
}

// A user without rights is told which: one that reads may not append, one that has none
// may not even look.
func TestSecureRightsAtKafka(t *testing.T) {
	t.Parallel()
	c := secureServers(t)
	m := secureWords()
	secureWorker(t, c, m)
	countsWords(t, secureClient(t, c), m)
	topic := depot.TopicName(module.NameOf(m), "sentences")

	reader, err := asReader(t, c).Log(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, _, err := reader.Bounds(t.Context(), topic, 0); err != nil {
		t.Errorf("a reader may not look: %v", err)
	}
	appended := make(chan error, 1)
	reader.Append(t.Context(), topic, 0, depot.Record{Value: []byte(`"x"`)}, depot.Replicated, func(_ int64, err error) { appended <- err })
	err = <-appended
	wantDenied(t, err, depot.ErrDenied, "allow the user to")
	if !errors.Is(err, depot.ErrNotAppended) {
		t.Errorf("%v: want that the record is certainly not there", err)
	}

	nobodys := asUser(c, "nobody")
	nobody, err := nobodys.Log(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	_, _, err = nobody.Bounds(t.Context(), topic, 0)
	wantDenied(t, err, depot.ErrDenied, "allow the user to")
	_, err = nobody.Ensure(t.Context(), depot.TopicSpec{Module: module.NameOf(secureWords()), Depot: "d", Partitions: 1})
	wantDenied(t, err, depot.ErrDenied, "allow the user to")
}

func asReader(t *testing.T, c connect.Config) *connect.Config {
	t.Helper()
	r := asUser(c, "reader")
	return &r
}

// Who comes to Redis in a wrong way is told so, and what to do.
func TestSecureRedisLetsNobodyElseIn(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct {
		how  func(*connect.Config)
		says string
	}{
		"wrong password":  {func(c *connect.Config) { c.Redis.Login.PasswordFile = secretFile("wrong.password") }, "set the right user name and password"},
		"no user":         {func(c *connect.Config) { c.Redis.Login = connect.Login{} }, "set the user name and password"},
		"no TLS":          {func(c *connect.Config) { c.Redis.TLS = connect.TLS{} }, "if this port speaks TLS, set it"},
		"wrong authority": {func(c *connect.Config) { c.Redis.TLS.Authorities = secretFile("stranger/stranger.pem") }, "name the file of the certificate of the authority"},
		"wrong certificate": {func(c *connect.Config) {
			c.Redis.TLS.Certificate, c.Redis.TLS.Key = secretFile("stranger/worker.cert"), secretFile("stranger/worker.key")
		}, "name a certificate that it accepts"},
		"expired certificate": {func(c *connect.Config) {
			c.Redis.TLS.Certificate, c.Redis.TLS.Key = secretFile("expired.cert"), secretFile("expired.key")
		}, "expired"},
		"no rights": {func(c *connect.Config) {
			c.Redis.Login = connect.Login{User: "nobody", PasswordFile: secretFile("nobody.password")}
		}, "coppice acl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := secureServers(t)
			wrong.how(&c)
			state, err := c.Store(t.Context(), nil)
			if err == nil {
				_, err = state.Join(t.Context(), store.Slot{Tag: "M.0.1", Head: "{M.0.1}:head"})
				defer state.Close()
			}
			wantDenied(t, err, store.ErrDenied, wrong.says)
		})
	}
}

// wantDenied wants an error of a class that says what to do, and no secret.
func wantDenied(t *testing.T, err error, class error, says string) {
	t.Helper()
	if !errors.Is(err, class) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v: want %v that says %q", err, class, says)
	}
	tellsNoSecret(t, err.Error())
}

// tellsNoSecret looks for any password, token or key in a text.
func tellsNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, pattern := range []string{"*.password", "*.token"} {
		files, err := filepath.Glob(secretFile(pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no secrets to look for: %v", err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text, strings.TrimSpace(string(raw))) {
				t.Errorf("%s is told: %s", filepath.Base(file), text)
			}
		}
	}
}

// Workers and clients without a certificate of the right authority reach no worker: none
// of their calls is answered, and they are told what to do.
func TestSecureWorkersLetNobodyElseIn(t *testing.T) {
	t.Parallel()
	c := secureServers(t)
	m := secureWords()
	w := secureWorker(t, c, m)
	for name, wrong := range map[string]struct {
		tls   connect.TLS
		class error
		says  string
	}{
		"no certificate": {connect.TLS{}, transport.ErrNoListener, "if that end speaks TLS, give this one a certificate"},
		"another authority's": {connect.TLS{Authorities: secretFile("authority.pem"), Certificate: secretFile("stranger/worker.cert"), Key: secretFile("stranger/worker.key")},
			transport.ErrDenied, "name a certificate that its authorities have signed"},
		"expired": {connect.TLS{Authorities: secretFile("authority.pem"), Certificate: secretFile("expired.cert"), Key: secretFile("expired.key")},
			transport.ErrDenied, "this end's certificate has expired"},
		"trusts another authority": {connect.TLS{Authorities: secretFile("stranger/stranger.pem"), Certificate: secretFile("worker.cert"), Key: secretFile("worker.key")},
			transport.ErrDenied, "all workers and clients need certificates of the same authorities"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := c
			other.Workers.TLS = wrong.tls
			network, err := other.Network(nil)
			if err != nil {
				t.Fatal(err)
			}
			link, err := network.Listen("", nobody{})
			if err != nil {
				t.Fatal(err)
			}
			defer link.Close()
			_, err = link.Call(t.Context(), w.Address(), []byte("x"))
			wantDenied(t, err, wrong.class, wrong.says)
		})
	}
}

// nobody takes no calls.
type nobody struct{}

func (nobody) Frame(string, []byte) {}
func (nobody) Closed(string)        {}
func (nobody) Call(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("nobody answers")
}
