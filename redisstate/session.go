package redisstate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// session is one connection on one slot. Its client library's pool holds that
// connection and can make no other: what it has shown was all shown by one
// server history (R13).
type session struct {
	store   *Store
	slot    store.Slot
	address string
	client  *redis.Client
	lineage task.Lineage
	node    string // the server's id in its cluster; "" where there is none
	head    task.Head
	text    string // the head's stored form: what the guard must show
	args    arguments

	mu     sync.Mutex
	conn   net.Conn
	broken error // why the session is over
}

var _ store.Session = (*session)(nil)

// errRenewed keeps the pool from making a second connection.
var errRenewed = errors.New("the session's connection is gone")

// connect opens a session on the master of a slot: it reads who the server is and
// tries whether the guard works there (R9).
func (s *Store) connect(ctx context.Context, slot store.Slot) (*session, error) {
	master, err := s.master(ctx, slot)
	if err != nil {
		return nil, errors.Join(store.ErrRefused, err)
	}
	n := &session{store: s, slot: slot, address: master.Options().Addr}
	options := s.config.options(n.address)
	options.Dialer = n.dialOnce
	options.MaxRetries = -1
	// Room for one would have the pool dial on in the background after a failure;
	// dialOnce makes the first connection and no other.
	options.PoolSize, options.MaxIdleConns = 8, 1
	options.ConnMaxIdleTime, options.ConnMaxLifetime = -1, -1
	n.client = redis.NewClient(options)
	if err := s.config.instrument(n.client, false); err != nil {
		_ = n.Close()
		return nil, errors.Join(store.ErrRefused, fmt.Errorf("redisstate: Config.Instrument: %w", err))
	}
	if err := n.probe(ctx); err != nil {
		_ = n.Close()
		return nil, err
	}
	if s.cluster != nil {
		// The pool's map of the cluster may still be that of before.
		if err := n.present(ctx); err != nil {
			return nil, errors.Join(store.ErrRefused, err)
		}
	}
	return n, nil
}

func (n *session) dialOnce(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil || n.broken != nil {
		return nil, errRenewed
	}
	conn, err := n.store.config.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	n.conn = conn
	return conn, nil
}

// probe reads the lineage and role, and runs an empty guarded transaction: a user
// who may not use MULTI would have the commands of a commit run one by one.
func (n *session) probe(ctx context.Context) error {
	pipe := n.client.Pipeline()
	server, replication := pipe.Info(ctx, "server"), pipe.Info(ctx, "replication")
	var node *redis.Cmd
	if n.store.cluster != nil {
		node = pipe.Do(ctx, "CLUSTER", "MYID")
	}
	watch, multi, exec := pipe.Do(ctx, "WATCH", n.slot.Head), pipe.Do(ctx, "MULTI"), pipe.Do(ctx, "EXEC")
	_, _ = pipe.Exec(ctx)
	for _, cmd := range []redis.Cmder{server, replication} {
		if err := cmd.Err(); err != nil && !isReply(err) {
			return n.lost("connecting", err)
		}
	}
	for _, cmd := range []*redis.Cmd{watch, multi, exec} {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return n.failed("trying a transaction", err)
		}
	}
	if role := infoField(replication.Val(), "role"); role != "" && role != "master" {
		n.store.moved(ctx)
		return n.refused("connecting", fmt.Errorf("the server is a %s, and only a master takes writes", role))
	}
	if node != nil {
		n.node, _ = node.Text()
	}
	n.lineage = task.Lineage{Run: infoField(server.Val(), "run_id"), Replication: infoField(replication.Val(), "master_replid")}
	return nil
}

// infoField finds a field in the answer of INFO; "" if it is hidden.
func infoField(info, name string) string {
	for line := range strings.SplitSeq(info, "\n") {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\r"), ":"); ok && key == name {
			return value
		}
	}
	return ""
}

func (n *session) Head() task.Head       { return n.head }
func (n *session) Lineage() task.Lineage { return n.lineage }

// Close drops the connection; a call under way returns ErrLost.
func (n *session) Close() error {
	n.end(errClosed)
	return nil
}

var errClosed = errors.New("the session is closed")

// end closes the connection, first of all: nothing may be sent on it any more.
func (n *session) end(why error) {
	n.mu.Lock()
	if n.broken == nil {
		n.broken = why
	}
	conn := n.conn
	n.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	_ = n.client.Close()
}

// alive returns why the session is over, as ErrLost.
func (n *session) alive() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken == nil {
		return nil
	}
	return fmt.Errorf("%w: slot %s at %s: %w", store.ErrLost, n.slot.Tag, n.address, n.broken)
}
