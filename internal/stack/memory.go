package stack

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// FillMemory leaves the Redis master without memory: maxmemory becomes half of
// what it uses, so that with noeviction each command that may grow fails with
// OOM (trap 10), reads and deletes go on, and a transaction that holds one is
// refused as a whole. Release gives the same server its former limit back, also
// when it has become a replica; a server that was restarted has it already.
// Release does nothing when called again.
func (r *Rig) FillMemory(ctx context.Context) (release func(context.Context) error, err error) {
	master := r.Master()
	used, err := usedMemory(ctx, master)
	if err != nil {
		return nil, err
	}
	former, err := limitMemory(ctx, master, used/2)
	if err != nil {
		return nil, err
	}
	var once sync.Mutex // a release that failed may be tried again
	released := false
	return func(ctx context.Context) error {
		once.Lock()
		defer once.Unlock()
		if released {
			return nil
		}
		_, err := limitMemory(ctx, master, former)
		released = err == nil
		return err
	}, nil
}

func usedMemory(ctx context.Context, server Server) (bytes int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	node := node{server, redisClient(server.Address)}
	defer node.client.Close()
	info, err := node.info(ctx, "INFO", "memory")
	if err != nil {
		return 0, fmt.Errorf("stack: %s (%s): %w", server.Name, server.Address, err)
	}
	if bytes, err = strconv.ParseInt(info["used_memory"], 10, 64); err != nil {
		return 0, fmt.Errorf("stack: %s (%s): used_memory is %q: %w", server.Name, server.Address, info["used_memory"], err)
	}
	return bytes, nil
}

// limitMemory sets maxmemory in bytes, 0 for none, and returns what it was.
func limitMemory(ctx context.Context, server Server, bytes int64) (former int64, err error) {
	const name = "maxmemory"
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := redisClient(server.Address)
	defer client.Close()
	was, err := client.ConfigGet(ctx, name).Result()
	if err == nil {
		former, err = strconv.ParseInt(was[name], 10, 64)
	}
	if err = errors.Join(err, client.ConfigSet(ctx, name, strconv.FormatInt(bytes, 10)).Err()); err != nil {
		return 0, fmt.Errorf("stack: %s (%s): set %s to %d: %w", server.Name, server.Address, name, bytes, err)
	}
	return former, nil
}
