package grpctransport

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/transport"
)

// AccessError says that this end and the one at an address do not let each other in, and
// what to do about it. It is a transport.ErrDenied.
type AccessError struct {
	Address string
	Mend    string // what to do
	Cause   error  // what was said
}

func (e *AccessError) Error() string {
	return fmt.Sprintf("%s: %v (%v): %s", e.Address, transport.ErrDenied, e.Cause, e.Mend)
}

func (e *AccessError) Unwrap() []error { return []error{transport.ErrDenied, e.Cause} }

// refusals are what the library says of connections on which the ends do not agree: it
// has no errors for them that can be told apart.
var refusals = []struct{ part, mend string }{
	{"first record does not look like a TLS handshake", "that end speaks no TLS: give all workers and clients certificates, or none"},
	{"remote error: tls: expired certificate", "this end's certificate has expired, or is not valid yet: renew it; a certificate that changes on disk is used without a restart"},
	{"remote error: tls:", "that end refuses this end's certificate, or wants one: name a certificate that its authorities have signed, and its key"},
	{"certificate signed by unknown authority", "that end's certificate is signed by an authority that is not trusted here: all workers and clients need certificates of the same authorities"},
	{"certificate is valid for", "that end's certificate is for another name: give it one for the host that it advertises"},
	{"cannot validate certificate for", "that end's certificate is for another name: give it one for the host that it advertises"},
	{"certificate has expired or is not yet valid", "give that end a certificate that is valid now"},
	{"certs: the other end's certificate is for", "that end's certificate has none of the names that are let in"},
	{"authentication handshake failed", "give all workers and clients certificates of the same authorities, or none"},
}

// mendOf is what to do about a connection that failed; "" where it is not a matter of
// who comes.
func mendOf(text string) string {
	for _, r := range refusals {
		if strings.Contains(text, r.part) {
			return r.mend
		}
	}
	return ""
}
