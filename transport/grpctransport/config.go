package grpctransport

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"
)

// Config says how links reach each other. The zero value works on one machine.
type Config struct {
	// Advertise is the host, or host:port, under which others reach a link that
	// listens here, where it differs from the address that is listened on. Without a
	// port it gets the listener's.
	Advertise string
	// TLS, if set, is used for every connection, on both ends.
	TLS *tls.Config
	// ResumeTimeout is how long a session waits for its connection to come back, and
	// for a sign of life of its peer, before its frames are given up. Default 2 s.
	ResumeTimeout time.Duration
	// QueueBytesMax bounds the frames that wait for one peer; beyond it the session
	// is given up, since a frame must not wait (R43). Default 64 MiB.
	QueueBytesMax int64
	// Dial, if set, makes the connections.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Log, if set, gets what an operator should know.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.ResumeTimeout == 0 {
		c.ResumeTimeout = 2 * time.Second
	}
	if c.QueueBytesMax == 0 {
		c.QueueBytesMax = 64 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Limits of one message.
const (
	batchBytesMax   = 256 << 10 // of one batch, unless a single frame is larger
	messageBytesMax = 256 << 20
)
