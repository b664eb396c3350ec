package redisstate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

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

// explained adds the mend to a refusal that an operator can end.
func explained(err error) error {
	text := err.Error()
	for _, m := range mends {
		if strings.Contains(text, m.prefix) {
			return fmt.Errorf("%w (%s)", err, m.mend)
		}
	}
	return err
}

var mends = []struct{ prefix, mend string }{
	{"OOM", "the server's memory is full: raise maxmemory; work goes on by itself"},
	{"NOPERM", "the user lacks a right: it needs WATCH, MULTI, EXEC, INFO and EVAL_RO, and all commands on the keys of its slots"},
	{"NOAUTH", "set the user name and password"},
	{"WRONGPASS", "set the right user name and password"},
	{"READONLY", "the server has become a replica; the new master is looked up"},
	{"MISCONF", "the server cannot write to its disk"},
	{"NOREPLICAS", "too few replicas are connected (min-replicas-to-write)"},
	{"LOADING", "the server is reading its data"},
}
