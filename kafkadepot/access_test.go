package kafkadepot

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/authority"
)

// Whom brokers do not let in, by an alert or by an end of the connection, is told that the own
// certificate has expired, where it has.
func TestOwnCertificateHasExpired(t *testing.T) {
	t.Parallel()
	signed, err := authority.New(t.TempDir(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(-time.Hour)
	expired := "this end's certificate has expired at " + until.UTC().Format("2006-01-02T15:")
	for _, c := range []struct {
		name  string
		until time.Time
		cause error
		says  string
	}{
		{"late", until, &kgo.ErrFirstReadEOF{}, expired},
		{"late", until, errors.New("remote error: tls: expired certificate"), expired},
		{"good", time.Now().Add(time.Hour), errors.New("remote error: tls: certificate required"), "name a certificate that they accept"},
		{"good", time.Now().Add(time.Hour), &kgo.ErrFirstReadEOF{}, "if they want SASL"},
		{"late", until, io.ErrUnexpectedEOF, ""}, // not a word of who comes
	} {
		pair, err := signed.SignUntil(c.name, c.until)
		if err != nil {
			t.Fatal(err)
		}
		tls, err := certs.Files{Authorities: signed.Certificate(), Certificate: pair.Certificate, Key: pair.Key}.Client()
		if err != nil {
			t.Fatal(err)
		}
		err = Config{TLS: tls}.access(c.cause)
		if denied := errors.Is(err, depot.ErrDenied); denied != (c.says != "") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, %v: %v, want %q", c.name, c.cause, err, c.says)
		}
	}
}
