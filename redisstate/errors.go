package redisstate

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/internal/lapsed"
	"github.com/coppice-run/coppice/store"
)

// isReply reports whether the server answered, with an error.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}

// failed ends the session after a command that did not succeed: the server
// refused it, or nobody knows.
func (n *session) failed(doing string, err error) error {
	if isReply(err) {
		return n.refused(doing, err)
	}
	return n.lost(doing, err)
}

// lost ends the session after a reply that did not come.
func (n *session) lost(doing string, err error) error {
	return n.over(store.ErrLost, doing, err)
}

// refused ends the session after an error reply.
func (n *session) refused(doing string, err error) error {
	if strings.HasPrefix(err.Error(), "WRONGTYPE") {
		return n.over(store.ErrCorrupt, doing, err)
	}
	return n.over(store.ErrRefused, doing, explained(err))
}

// fenced ends the session of an owner that was replaced.
func (n *session) fenced(doing string, err error) error {
	return n.over(store.ErrFenced, doing, err)
}

func (n *session) over(class error, doing string, err error) error {
	err = fmt.Errorf("%w: slot %s at %s, %s: %w", class, n.slot.Tag, n.address, doing, err)
	n.end(err)
	return err
}

// AccessError says that a server lets nobody in who comes like this, or that the user
// lacks a right, and what to do about it. It is a store.ErrDenied.
type AccessError struct {
	Mend  string // what to do
	Cause error  // what was said
}

func (e *AccessError) Error() string { return fmt.Sprintf("%v (%s)", e.Cause, e.Mend) }

func (e *AccessError) Unwrap() []error { return []error{store.ErrDenied, e.Cause} }

// SentinelError says that an address is one of Redis Sentinel, which is not supported: a
// task must know to which server its connection leads, and Sentinel promotes a replica
// without the last commits without asking anybody (R13, R18).
type SentinelError struct{ Address string }

func (e *SentinelError) Error() string {
	return fmt.Sprintf("redis at %s is a Sentinel, and Sentinel is not supported: name the nodes of a Redis Cluster, or one address that leads to the master (docs/security.md says why)", e.Address)
}

// explained adds the mend to what an operator can end.
func explained(err error) error {
	text := err.Error()
	for _, m := range mends {
		if strings.Contains(text, m.part) {
			if m.access {
				return &AccessError{m.mend, err}
			}
			return fmt.Errorf("%w (%s)", err, m.mend)
		}
	}
	return err
}

// atFirst explains an error of the first command of all: a port that speaks TLS ends a
// connection that does not, or whose certificate it does not accept.
func (c Config) atFirst(err error) error {
	ended := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	if !ended && !strings.Contains(err.Error(), "remote error: tls:") {
		return explained(err)
	}
	if mend := lapsed.Mend(c.TLS, time.Now()); mend != "" {
		return &AccessError{mend, err}
	}
	if !ended {
		return explained(err)
	}
	if c.TLS == nil {
		return &AccessError{"the server ended the connection at its first command: if this port speaks TLS, set it", err}
	}
	return &AccessError{"the server ended the connection at its first command: name a certificate that it accepts, and its key", err}
}

var mends = []struct {
	part, mend string
	access     bool // who comes is not let in, or not to that
}{
	{"OOM", "the server's memory is full: raise maxmemory; work goes on by itself", false},
	{"NOPERM", "the user lacks a right: 'coppice acl' prints the line that a user needs", true},
	{"NOAUTH", "set the user name and password", true},
	{"WRONGPASS", "set the right user name and password", true},
	{"READONLY", "the server has become a replica; the new master is looked up", false},
	{"MISCONF", "the server cannot write to its disk", false},
	{"NOREPLICAS", "too few replicas are connected (min-replicas-to-write)", false},
	{"LOADING", "the server is reading its data", false},
	{"certificate signed by unknown authority", "name the file of the certificate of the authority that has signed the server's", true},
	{"certificate is valid for", "address the server by a name that its certificate has, or give it one for this name", true},
	{"cannot validate certificate for", "address the server by a name that its certificate has, or give it one for this name", true},
	{"certificate has expired or is not yet valid", "give the server a certificate that is valid now", true},
	{"first record does not look like a TLS handshake", "this port speaks no TLS: leave TLS out, or use the server's tls-port", true},
	{"remote error: tls:", "the server refuses this end's certificate, or wants one (tls-auth-clients): name a certificate that it accepts, and its key", true},
}
