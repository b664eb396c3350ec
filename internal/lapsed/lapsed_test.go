package lapsed_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/authority"
	"github.com/coppice-run/coppice/internal/lapsed"
)

// Whatever way a client has its certificate, it is told since when it is of no use, and only then.
func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	signed, err := authority.New(t.TempDir(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	files, err := signed.SignUntil("client", until)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	begins, bare := pair.Leaf.NotBefore, pair
	bare.Leaf = nil
	ways := map[string]*tls.Config{
		"listed":     {Certificates: []tls.Certificate{pair}},
		"not parsed": {Certificates: []tls.Certificate{bare}},
		"asked for":  {GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }},
	}
	for way, config := range ways {
		for _, c := range []struct {
			now  time.Time
			says string // "": it is valid
		}{
			{until.Add(-time.Second), ""},
			{until.Add(time.Second), "has expired at " + until.UTC().Format(time.RFC3339)},
			{begins.Add(-time.Second), "is not valid until " + begins.UTC().Format(time.RFC3339)},
		} {
			if got := lapsed.Mend(config, c.now); (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
				t.Errorf("%s, at %s: %q, want %q", way, c.now, got, c.says)
			}
		}
	}
	for way, config := range map[string]*tls.Config{
		"no TLS":         nil,
		"no certificate": {},
		"broken":         {Certificates: []tls.Certificate{{Certificate: [][]byte{{1}}}}},
	} {
		if got := lapsed.Mend(config, time.Now()); got != "" {
			t.Errorf("%s: %q", way, got)
		}
	}
}
