package connect

import (
	"crypto/tls"
	"log/slog"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/secret"
)

// Config says where the servers are, and who the program is to them.
type Config struct {
	// Kafka and Redis hold the depots and the state.
	Kafka   Kafka
	Redis   Redis
	Workers Workers // how they reach each other, and clients reach them
	// PrepareKafka and PrepareRedis, if set, change what Log and Store open with, as
	// telemetry/export does: they are for code, and no setting has them.
	PrepareKafka func(*kafkadepot.Config)
	PrepareRedis func(*redisstate.Config)
}

// Kafka is how the brokers are reached.
type Kafka struct {
	Brokers []string // host:port of some of them
	TLS     TLS
	Login   Login
	// SASL is the mechanism: scram-sha-512, scram-sha-256, oauthbearer or plain; "": none.
	SASL string
	// TokenFile holds the token for oauthbearer.
	TokenFile string
}

// Redis is how the server, or the cluster, is reached.
type Redis struct {
	Addresses []string // host:port of a server, or of nodes of one cluster
	TLS       TLS
	Login     Login
}

// Workers is how workers, and programs that speak to them, reach each other.
type Workers struct {
	// Listen is the host:port of a worker; empty: a free port of 127.0.0.1.
	Listen string
	// Advertise is the host, or host:port, that others are told; empty: what is listened on.
	Advertise string
	// TLS, where its files are set, has both ends show a certificate (mTLS). All three
	// are needed then.
	TLS TLS
}

// TLS says whether a connection is encrypted, and by which files.
type TLS struct {
	// On encrypts without a file of its own: the authorities of the system are trusted,
	// and no certificate is shown. A file turns it on, too.
	On bool
	// Authorities, Certificate and Key are files in PEM form: see certs.Files.
	Authorities, Certificate, Key string
	// Names are those of which the other end's certificate must have one, beside what
	// TLS checks.
	Names []string
}

func (t TLS) files(log *slog.Logger) certs.Files {
	return certs.Files{Authorities: t.Authorities, Certificate: t.Certificate, Key: t.Key, Names: t.Names, Log: log}
}

// client is the configuration of who dials; nil: not encrypted.
func (t TLS) client(log *slog.Logger) (*tls.Config, error) {
	if files := t.files(log); t.On || files.Any() {
		return files.Client()
	}
	return nil, nil
}

// Login is a user and his password, which is given or stands in a file.
type Login struct {
	User         string
	Password     secret.Text
	PasswordFile string
}
