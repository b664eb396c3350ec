package redisstate

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/coppice-run/coppice/secret"
)

// Config says which servers to use.
type Config struct {
	// Addresses are host:port of a single server, or of any nodes of one cluster.
	// Whether it is a cluster is asked of the server.
	Addresses []string
	// Username and Password authenticate; empty: not. ACL makes the line of a user who
	// has the least rights.
	Username string
	Password secret.Text
	// TLS, if set, is used for every connection.
	TLS *tls.Config
	// Dialer, if set, makes the connections.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
	// DialTimeout bounds making a connection. Default 3 s.
	DialTimeout time.Duration
	// CallTimeout bounds the wait for one reply: after it a commit counts as lost
	// (R11). Default 5 s.
	CallTimeout time.Duration
	// Instrument, if set, is called with each client that is opened, before its use: for hooks
	// that watch, as those of redisotel. Hooks must leave commands and replies as they are.
	// pooled: the client outlives what it is used for now; else it is the one connection of a
	// task's session, and is closed with it.
	Instrument func(client redis.UniversalClient, pooled bool) error
	// Logger is told of servers that keep commits waiting. Default: nobody is.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Addresses) == 0 {
		return c, errors.New("redisstate: Config.Addresses is empty: name the host:port of a Redis server")
	}
	for _, a := range c.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return c, errors.Join(errors.New("redisstate: address "+a+" is not host:port"), err)
		}
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = 3 * time.Second
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Dialer == nil {
		dialer := &net.Dialer{Timeout: c.DialTimeout, KeepAlive: 10 * time.Second}
		c.Dialer = dialer.DialContext
	}
	return c, nil
}

// instrument has a client that was opened watched.
func (c Config) instrument(client redis.UniversalClient, pooled bool) error {
	if c.Instrument == nil {
		return nil
	}
	return c.Instrument(client, pooled)
}

func (c Config) names() string { return strings.Join(c.Addresses, ", ") }

// options are those of a client of one server.
func (c Config) options(address string) *redis.Options {
	return &redis.Options{
		Addr: address, CredentialsProvider: c.credentials, TLSConfig: c.TLS, Dialer: c.dial,
		Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: notifications(),
		DialTimeout: c.DialTimeout, DialerRetries: 1, ReadTimeout: c.CallTimeout, WriteTimeout: c.CallTimeout, ContextTimeoutEnabled: true,
		ConnMaxLifetime: pooledFor,
	}
}

// clusterOptions are those of the pooled cluster client.
func (c Config) clusterOptions() *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs: c.Addresses, CredentialsProvider: c.credentials, TLSConfig: c.TLS, Dialer: c.dial,
		Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: notifications(),
		DialTimeout: c.DialTimeout, ReadTimeout: c.CallTimeout, WriteTimeout: c.CallTimeout, ContextTimeoutEnabled: true,
		ConnMaxLifetime: pooledFor,
	}
}

// credentials are asked for each connection: the client library's options, which it
// prints in places, do not hold the password.
func (c Config) credentials() (user, password string) { return c.Username, c.Password.Reveal() }

// dial adds TLS to the configured dialer, which go-redis leaves to whoever
// brings a dialer.
func (c Config) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.Dialer(ctx, network, address)
	if err != nil || c.TLS == nil {
		return conn, err
	}
	config := c.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	return tls.Client(conn, config), nil
}

// notifications switches off the hand-overs of managed servers, which would
// replace connections under a session.
func notifications() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
