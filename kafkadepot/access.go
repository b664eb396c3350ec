package kafkadepot

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/lapsed"
)

// AccessError says that brokers let nobody in who comes like this, and what to do
// about it. It is a depot.ErrDenied.
type AccessError struct {
	Mend  string // what to do
	Cause error  // what was said
}

func (e *AccessError) Error() string {
	return fmt.Sprintf("%v (%v): %s", depot.ErrDenied, e.Cause, e.Mend)
}

func (e *AccessError) Unwrap() []error { return []error{depot.ErrDenied, e.Cause} }

// access makes an AccessError of what an operator can mend; another error stays as it is.
func (c Config) access(err error) error {
	var known *AccessError
	if err == nil || errors.As(err, &known) {
		return err
	}
	if mend := c.mend(err); mend != "" {
		return &AccessError{mend, err}
	}
	return err
}

// rights are what brokers refuse to somebody whom they know.
var rights = []struct {
	err  error
	mend string
}{
	{kerr.TopicAuthorizationFailed, "allow the user to Create, Describe, DescribeConfigs, Read, Write and Delete on topics with the prefix coppice."},
	{kerr.GroupAuthorizationFailed, "allow the user to Read and Describe on groups with the prefix coppice."},
	{kerr.TransactionalIDAuthorizationFailed, "allow the user to Write and Describe on transactional ids with the prefix coppice."},
	{kerr.ClusterAuthorizationFailed, "allow the user to Create topics, or have somebody else make them: docs/security.md lists the rights"},
	{kerr.DelegationTokenAuthorizationFailed, "use another token"},
}

func (c Config) mend(err error) string {
	for _, r := range rights {
		if errors.Is(err, r.err) {
			return r.mend
		}
	}
	if mend := c.mendOwn(err); mend != "" {
		return mend
	}
	if mend := c.mendSASL(err); mend != "" {
		return mend
	}
	return c.mendTLS(err)
}

// mendOwn looks at this end's certificate where the brokers may have refused it: they say so, or end
// the connection at its first request, since in TLS 1.3 a client is done with the handshake before.
func (c Config) mendOwn(err error) string {
	var closed *kgo.ErrFirstReadEOF
	if errors.As(err, &closed) || strings.Contains(err.Error(), "remote error: tls:") {
		return lapsed.Mend(c.TLS, time.Now())
	}
	return ""
}

func (c Config) mendSASL(err error) string {
	var closed *kgo.ErrFirstReadEOF
	text := err.Error()
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "set the right user and password, or a token that counts, for the mechanism " + c.mechanisms()
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return "choose a mechanism that the brokers have (sasl.enabled.mechanisms), instead of " + c.mechanisms()
	case errors.Is(err, kerr.IllegalSaslState), strings.Contains(text, "invalid sasl"):
		return "the brokers take no SASL on this listener: leave it out, or use the port of the listener that does"
	case strings.Contains(text, "unexpected data in oauth response"):
		return "the brokers refuse the token: use one that counts now"
	case strings.Contains(text, "plaintext connection speaking to a tls endpoint"):
		return "this listener speaks TLS: set it"
	case strings.Contains(text, "asking for a token"):
		return "see where the token comes from"
	case errors.As(err, &closed) && len(c.SASL) == 0 && c.TLS != nil:
		return "the brokers ended the connection at its first request: if they want SASL, set a mechanism, a user and a password"
	case errors.As(err, &closed) && c.TLS == nil:
		return "the brokers ended the connection at its first request: if this listener wants TLS, set it; if it wants SASL, set a mechanism, a user and a password"
	}
	return ""
}

func (c Config) mechanisms() string {
	var names []string
	for _, m := range c.SASL {
		names = append(names, m.Name())
	}
	return strings.Join(names, ", ")
}

func (c Config) mendTLS(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	text := err.Error()
	switch {
	case errors.As(err, &authority):
		return "the brokers' certificate is signed by an authority that is not trusted here: name the file of that authority's certificate"
	case errors.As(err, &host):
		return "the brokers' certificate is for another name: address them by a name that it has, or give them one for this name"
	case errors.As(err, &invalid):
		return "give the brokers a certificate that is valid now"
	case errors.As(err, &header):
		return "this listener speaks no TLS: leave TLS out, or use the port of the listener that does"
	case strings.Contains(text, "remote error: tls:"):
		return "the brokers refuse this end's certificate, or want one: name a certificate that they accept, and its key"
	}
	return ""
}
