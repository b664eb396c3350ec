package redisstate

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/internal/authority"
	"github.com/coppice-run/coppice/store"
)

// Whom a server does not let in, by an alert or by an end of the connection, is told that the own
// certificate has expired, where it has.
func TestOwnCertificateHasExpired(t *testing.T) {
	t.Parallel()
	signed, err := authority.New(t.TempDir(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		until time.Time
		says  string
	}{
		"late": {until, "this end's certificate has expired at " + until.UTC().Format("2006-01-02T15:")},
		"good": {time.Now().Add(time.Hour), "name a certificate that it accepts"},
	} {
		pair, err := signed.SignUntil(name, c.until)
		if err != nil {
			t.Fatal(err)
		}
		tls, err := certs.Files{Authorities: signed.Certificate(), Certificate: pair.Certificate, Key: pair.Key}.Client()
		if err != nil {
			t.Fatal(err)
		}
		for _, cause := range []error{io.EOF, errors.New("remote error: tls: certificate required")} {
			err := Config{TLS: tls}.atFirst(cause)
			if !errors.Is(err, store.ErrDenied) || !errors.Is(err, cause) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %v: %v, want %q", name, cause, err, c.says)
			}
		}
	}
}
