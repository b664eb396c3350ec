package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/secret"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// Log opens the depots in Kafka; it reaches no broker yet. Errors say which setting is
// missing, or does not go with another.
func (c *Config) Log(ctx context.Context, log *slog.Logger) (*kafkadepot.Log, error) {
	config, err := c.kafka(log)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	if c.PrepareKafka != nil {
		c.PrepareKafka(&config)
	}
	return kafkadepot.Open(ctx, config)
}

func (c *Config) kafka(log *slog.Logger) (config kafkadepot.Config, err error) {
	k := &c.Kafka
	config.Brokers = k.Brokers
	if config.TLS, err = k.TLS.client(log); err != nil {
		return config, err
	}
	mechanism, err := k.mechanism()
	if err != nil {
		return config, err
	}
	if mechanism != nil {
		config.SASL = []sasl.Mechanism{mechanism}
	}
	return config, nil
}

// mechanism is the one that is chosen; nil: none.
func (k *Kafka) mechanism() (sasl.Mechanism, error) {
	switch name := strings.ToLower(k.SASL); name {
	case "":
		if k.Login.any() || k.TokenFile != "" {
			return nil, errors.New("there is a user, a password or a token, and no mechanism: set kafka-sasl")
		}
		return nil, nil
	case "oauthbearer":
		if k.TokenFile == "" {
			return nil, errors.New("oauthbearer needs a token: set kafka-token-file")
		}
		if _, err := read(k.TokenFile); err != nil {
			return nil, err
		}
		return kafkadepot.OAuthBearer(func(context.Context) (secret.Text, error) { return read(k.TokenFile) }), nil
	case "scram-sha-256", "scram-sha-512", "plain":
		password, err := k.Login.password()
		if err != nil {
			return nil, err
		}
		if k.Login.User == "" || !password.IsSet() {
			return nil, fmt.Errorf("%s needs a user and a password: set kafka-user, and kafka-password-file or %s", name, Variable("kafka-password"))
		}
		switch name {
		case "plain":
			if config := k.TLS; !config.On && !config.files(nil).Any() {
				return nil, errors.New("plain sends the password as it is: set kafka-tls, or choose scram-sha-512")
			}
			return kafkadepot.Plain(k.Login.User, password), nil
		case "scram-sha-256":
			return kafkadepot.Scram256(k.Login.User, password), nil
		}
		return kafkadepot.Scram512(k.Login.User, password), nil
	default:
		return nil, fmt.Errorf("there is no mechanism %q: choose scram-sha-512, scram-sha-256, oauthbearer or plain", k.SASL)
	}
}

// Store reaches Redis and opens the PStates there.
func (c *Config) Store(ctx context.Context, log *slog.Logger) (*redisstate.Store, error) {
	r := &c.Redis
	config := redisstate.Config{Addresses: r.Addresses, Username: r.Login.User, Logger: log}
	var err error
	if config.TLS, err = r.TLS.client(log); err == nil {
		config.Password, err = r.Login.password()
	}
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if c.PrepareRedis != nil {
		c.PrepareRedis(&config)
	}
	return redisstate.Open(ctx, config)
}

// Network is how workers are reached, with mTLS where its files are set. The logger may
// be nil.
func (c *Config) Network(log *slog.Logger) (*grpctransport.Network, error) {
	w := &c.Workers
	config := grpctransport.Config{Advertise: w.Advertise, Log: log}
	if files := w.TLS.files(log); w.TLS.On || files.Any() {
		var err error
		if config.TLS, err = files.Both(); err != nil {
			return nil, fmt.Errorf("workers: %w: set workers-ca, workers-cert and workers-key", err)
		}
	}
	return grpctransport.New(config), nil
}

func (l *Login) any() bool { return l.User != "" || l.Password.IsSet() || l.PasswordFile != "" }

// password is the one that is set, or what its file holds now.
func (l *Login) password() (secret.Text, error) {
	if l.PasswordFile == "" {
		return l.Password, nil
	}
	if l.Password.IsSet() {
		return secret.Text{}, errors.New("there is a password and a file with one: choose")
	}
	return read(l.PasswordFile)
}

// read gives what a file of a secret holds, without a line break behind it.
func read(file string) (secret.Text, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return secret.Text{}, fmt.Errorf("reading a secret: %w", err)
	}
	text := secret.New(strings.TrimRight(string(raw), "\r\n"))
	if !text.IsSet() {
		return text, fmt.Errorf("reading a secret: %s is empty", file)
	}
	return text, nil
}
