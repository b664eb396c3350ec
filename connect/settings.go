package connect

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/secret"
)

// setting is a field by its name as a flag. Its variable in the environment follows from
// the name: kafka-tls is COPPICE_KAFKA_TLS.
type setting struct {
	name, usage string
	hidden      bool // no flag: it would show in the list of processes
	set         func(text string) error
	isSet       func() bool
	yes         bool // it stands alone: --kafka-tls
}

// Variable is the name of a setting in the environment.
func Variable(name string) string {
	return "COPPICE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// settings are those of servers.
func (c *Config) settings() []setting {
	k, r, w := &c.Kafka, &c.Redis, &c.Workers
	return []setting{
		list(&k.Brokers, "kafka", "host:port[,host:port] of Kafka brokers"),
		yes(&k.TLS.On, "kafka-tls", "encrypt connections to Kafka"),
		text(&k.TLS.Authorities, "kafka-ca", "`file` of the authorities that sign the brokers' certificates; default: the system's"),
		text(&k.TLS.Certificate, "kafka-cert", "`file` of the certificate to show to the brokers"),
		text(&k.TLS.Key, "kafka-key", "`file` of its key"),
		text(&k.SASL, "kafka-sasl", "`mechanism` to authenticate by: scram-sha-512, scram-sha-256, oauthbearer or plain"),
		text(&k.Login.User, "kafka-user", "`name` of the user"),
		text(&k.Login.PasswordFile, "kafka-password-file", "`file` with the user's password; or COPPICE_KAFKA_PASSWORD holds it"),
		text(&k.TokenFile, "kafka-token-file", "`file` with the token for oauthbearer"),
		password(&k.Login.Password, "kafka-password"),
		list(&r.Addresses, "redis", "host:port of a Redis server, or of the nodes of one cluster, with commas"),
		yes(&r.TLS.On, "redis-tls", "encrypt connections to Redis"),
		text(&r.TLS.Authorities, "redis-ca", "`file` of the authorities that sign the servers' certificates; default: the system's"),
		text(&r.TLS.Certificate, "redis-cert", "`file` of the certificate to show to the servers"),
		text(&r.TLS.Key, "redis-key", "`file` of its key"),
		text(&r.Login.User, "redis-user", "`name` of the user"),
		text(&r.Login.PasswordFile, "redis-password-file", "`file` with the user's password; or COPPICE_REDIS_PASSWORD holds it"),
		password(&r.Login.Password, "redis-password"),
		text(&w.TLS.Authorities, "workers-ca", "`file` of the authorities that sign the workers' certificates; with it both ends of a connection show one"),
		text(&w.TLS.Certificate, "workers-cert", "`file` of the certificate to show to workers"),
		text(&w.TLS.Key, "workers-key", "`file` of its key"),
		list(&w.TLS.Names, "workers-names", "names of which a certificate must have one, with commas; default: any of the authorities'"),
	}
}

// ofWorkers are the settings that only a worker has.
func (c *Config) ofWorkers() []setting {
	w := &c.Workers
	return []setting{
		text(&w.Listen, "listen", "host:port on which other workers and clients reach this one; default: a free port of 127.0.0.1"),
		text(&w.Advertise, "advertise", "host or host:port that others are told; default: what is listened on"),
	}
}

func text(field *string, name, usage string) setting {
	return setting{name: name, usage: usage, isSet: func() bool { return *field != "" }, set: func(text string) error {
		*field = text
		return nil
	}}
}

func password(field *secret.Text, name string) setting {
	return setting{name: name, hidden: true, isSet: field.IsSet, set: func(text string) error {
		*field = secret.New(text)
		return nil
	}}
}

func list(field *[]string, name, usage string) setting {
	return setting{name: name, usage: usage, isSet: func() bool { return len(*field) > 0 }, set: func(text string) error {
		*field = nil
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" {
				*field = append(*field, word)
			}
		}
		return nil
	}}
}

func yes(field *bool, name, usage string) setting {
	return setting{name: name, usage: usage, yes: true, isSet: func() bool { return *field }, set: func(text string) (err error) {
		if *field, err = strconv.ParseBool(text); err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		return nil
	}}
}

// Register adds the settings of servers to a set of flags. Passwords are not among
// them. Call Complete when the flags are read.
func (c *Config) Register(flags *flag.FlagSet) { register(flags, c.settings()) }

// RegisterWorker adds those that only a worker has: listen, advertise.
func (c *Config) RegisterWorker(flags *flag.FlagSet) { register(flags, c.ofWorkers()) }

func register(flags *flag.FlagSet, settings []setting) {
	for _, s := range settings {
		if s.hidden {
			continue
		}
		usage := s.usage + "; $" + Variable(s.name)
		if s.yes {
			flags.BoolFunc(s.name, usage, s.set)
		} else {
			flags.Func(s.name, usage, s.set)
		}
	}
}

// Complete fills what is not set from the environment: COPPICE_KAFKA for kafka,
// COPPICE_KAFKA_PASSWORD for the password of Kafka, and so on. It tells all values that
// cannot be read; of passwords it tells none.
func (c *Config) Complete(getenv func(name string) string) error {
	return complete(c.settings(), getenv)
}

// CompleteWorker is Complete for a worker: with what only a worker has. A program that
// only speaks to workers must not take over the address of the one beside it.
func (c *Config) CompleteWorker(getenv func(name string) string) error {
	return complete(append(c.settings(), c.ofWorkers()...), getenv)
}

func complete(settings []setting, getenv func(name string) string) error {
	var problems []error
	for _, s := range settings {
		value := getenv(Variable(s.name))
		if value == "" || s.isSet() {
			continue
		}
		if err := s.set(value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", Variable(s.name), err))
		}
	}
	return errors.Join(problems...)
}
