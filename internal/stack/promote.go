package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/coppice-run/coppice/internal/faultproxy"
)

// Isolate cuts the replica off its master and keeps it off until [Rig.Rejoin]
// or [Rig.Demote]: what is written to the master from now on is the tail that a
// promotion loses, although the master has answered it. Isolating twice does nothing.
func (r *Rig) Isolate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rejoin == nil {
		r.rejoin = r.link.Refuse()
	}
	r.link.Cut(faultproxy.Reset)
}

// Rejoin ends an isolation without a promotion, and returns when the replica
// has caught up.
func (r *Rig) Rejoin(ctx context.Context) error {
	r.reconnect()
	return r.Synced(ctx)
}

// reconnect lets the link be made again.
func (r *Rig) reconnect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rejoin != nil {
		r.rejoin()
		r.rejoin = nil
	}
}

// Synced returns when the replica has all that the master had when this was
// called. Both must run, and neither be paused or isolated.
func (r *Rig) Synced(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.ReadyTimeout)
	defer cancel()
	master, replica := r.Master(), r.Replica()
	offset, err := offsetOf(ctx, master)
	if err != nil {
		return err
	}
	return wait(ctx, replica.Name, func(ctx context.Context) error {
		node := node{replica, redisClient(replica.Address)}
		defer node.client.Close()
		info, err := node.info(ctx, "INFO", "replication")
		if err != nil {
			return err
		}
		if info["role"] != "slave" || info["master_link_status"] != "up" {
			return fmt.Errorf("its role is %s, its link to the master %s", info["role"], info["master_link_status"])
		}
		// The link is up before the last bytes have come by it.
		have, err := strconv.ParseInt(info["slave_repl_offset"], 10, 64)
		if err != nil || have < offset {
			return fmt.Errorf("it is at %s of %d bytes", info["slave_repl_offset"], offset)
		}
		return nil
	})
}

// Promote makes the replica a master (REPLICAOF NO ONE) and leads the doors to
// it. The old master stays as it is: connections that exist go on reading and
// writing its old data, until the caller cuts them at the doors or demotes it.
// So there are two masters, as long as the caller wants. Master and Replica
// swap names. The replica must run; the old master need not.
func (r *Rig) Promote(ctx context.Context) error {
	r.mu.Lock()
	demoted := r.demoted
	r.mu.Unlock()
	if !demoted {
		return errors.New("stack: promote: the old master of the last promotion is a master still: demote it first")
	}
	next := r.Replica()
	if err := replicaOf(ctx, next, "NO", "ONE"); err != nil {
		return err
	}
	offset, err := offsetOf(ctx, next)
	if err != nil {
		return err
	}
	// By Demote the old master follows through this same link; until then nobody does.
	r.leadTo(next)
	next.Follows = ""
	r.mu.Lock()
	r.master, r.replica = r.replica, r.master
	r.forkOffset, r.demoted = offset, false
	r.mu.Unlock()
	return r.record(next)
}

// Demote makes the old master of the last promotion a replica of the new one:
// it throws its tail away and copies the new one's data. It returns when that
// is done, and tells how many bytes of the replication stream were lost, a
// heartbeat of the master every 10 s among them. An old master that does not
// run becomes a replica at its next Start; then the bytes are not known: -1.
func (r *Rig) Demote(ctx context.Context) (lostBytes int64, err error) {
	r.mu.Lock()
	demoted, fork := r.demoted, r.forkOffset
	r.mu.Unlock()
	if demoted {
		return 0, errors.New("stack: demote: there is no old master: promote first")
	}
	old := r.Replica()
	old.Follows = r.link.Address()
	if !old.Alive() {
		r.setDemoted()
		return -1, r.record(old)
	}
	offset, err := offsetOf(ctx, old)
	if err != nil {
		return 0, err
	}
	host, port, err := net.SplitHostPort(old.Follows)
	if err != nil {
		return 0, fmt.Errorf("stack: address of the link: %w", err)
	}
	if err := replicaOf(ctx, old, host, port); err != nil {
		return 0, err
	}
	r.setDemoted()
	if err := r.record(old); err != nil {
		return 0, err
	}
	return max(offset-fork, 0), r.Synced(ctx)
}

// setDemoted says that there is one master again, which its replica may reach.
func (r *Rig) setDemoted() {
	r.mu.Lock()
	r.demoted = true
	r.mu.Unlock()
	r.reconnect()
}

// replicaOf sends REPLICAOF to one server.
func replicaOf(ctx context.Context, server Server, host, port string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := redisClient(server.Address)
	if err := errors.Join(client.Do(ctx, "REPLICAOF", host, port).Err(), client.Close()); err != nil {
		return fmt.Errorf("stack: %s (%s): REPLICAOF %s %s: %w", server.Name, server.Address, host, port, err)
	}
	return nil
}

// offsetOf is how far a server is in the history of its data, in bytes of the replication stream.
func offsetOf(ctx context.Context, server Server) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	node := node{server, redisClient(server.Address)}
	defer node.client.Close()
	info, err := node.info(ctx, "INFO", "replication")
	if err != nil {
		return 0, fmt.Errorf("stack: %s (%s): %w", server.Name, server.Address, err)
	}
	offset, err := strconv.ParseInt(info["master_repl_offset"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stack: %s (%s): master_repl_offset is %q: %w", server.Name, server.Address, info["master_repl_offset"], err)
	}
	return offset, nil
}
