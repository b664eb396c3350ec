package grpctransport_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/internal/authority"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// deaf takes nothing, and answers calls with what they ask.
type deaf struct{}

func (deaf) Frame(string, []byte) {}
func (deaf) Closed(string)        {}
func (deaf) Call(_ context.Context, _ string, request []byte) ([]byte, error) {
	return request, nil
}

// Who is not let in, or lets that end not in, is told which of the two certificates is wrong, and
// what to do about it.
func TestCertificatesThatDoNotCount(t *testing.T) {
	t.Parallel()
	ours, err := authority.New(t.TempDir(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := authority.New(t.TempDir(), "theirs")
	if err != nil {
		t.Fatal(err)
	}
	yesterday, tomorrow := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	listen := func(signed *authority.Authority, name string, until time.Time, trusts *authority.Authority) transport.Link {
		t.Helper()
		pair, err := signed.SignUntil(name, until)
		if err != nil {
			t.Fatal(err)
		}
		config, err := certs.Files{Authorities: trusts.Certificate(), Certificate: pair.Certificate, Key: pair.Key}.Both()
		if err != nil {
			t.Fatal(err)
		}
		link, err := grpctransport.New(grpctransport.Config{TLS: config}).Listen("", deaf{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = link.Close() })
		return link
	}
	good := listen(ours, "good", tomorrow, ours)
	for _, c := range []struct {
		what     string
		from, to transport.Link
		says     string // "": it is let in
	}{
		{"two good ones", listen(ours, "other", tomorrow, ours), good, ""},
		{"this end's has expired", listen(ours, "late", yesterday, ours), good, "this end's certificate has expired"},
		{"that end's has expired", good, listen(ours, "later", yesterday, ours), "give that end a certificate that is valid now"},
		{"this end's is of a stranger", listen(theirs, "stranger", tomorrow, ours), good, "name a certificate that its authorities have signed"},
		{"that end's is of a stranger", good, listen(theirs, "another", tomorrow, ours), "certificates of the same authorities"},
	} {
		_, err := c.from.Call(t.Context(), c.to.Address(), []byte("x"))
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, transport.ErrDenied) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.what, err, c.says)
		}
	}
}
