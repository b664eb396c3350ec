package grpctransport

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"
)

// refusalTimeout bounds how long an end has to say again why it refuses this one.
const refusalTimeout = 2 * time.Second

// refused asks an end that has ended a connection why it did; "" where it lets this one in, or
// does not say. In TLS 1.3 a client is done with the handshake before its certificate is looked
// at: what it writes then may meet a closed connection, and hide the reason. Here nothing
// is written, so the reason is what is read.
func (l *link) refused(ctx context.Context, to, how string) string {
	if l.config.TLS == nil || strings.Contains(how, "connection refused") {
		return ""
	}
	host, _, err := net.SplitHostPort(to)
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, refusalTimeout)
	defer cancel()
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		return ""
	}
	defer raw.Close()
	config := l.config.TLS.Clone()
	config.NextProtos = []string{"h2"}
	if config.ServerName == "" {
		config.ServerName = host
	}
	c := tls.Client(raw, config)
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline)
	}
	if err = c.HandshakeContext(ctx); err == nil {
		_, err = c.Read(make([]byte, 1)) // who lets it in greets first
	}
	if err == nil {
		return ""
	}
	return err.Error()
}
