package redisstate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
)

// CheckLevel looks whether every master can reach a level: its version, whether it
// writes an append-only file, and how many replicas it has now. Replicas come and
// go, so that too few are a warning: commits wait for them.
func (s *Store) CheckLevel(ctx context.Context, level store.Level) (warnings []string, err error) {
	if level == store.Applied {
		return nil, nil
	}
	var mu sync.Mutex
	var failures []error
	err = s.eachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		warned, err := checkLevel(ctx, c, level)
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, warned...)
		failures = append(failures, err)
		return nil
	})
	return warnings, errors.Join(append(failures, err)...)
}

func checkLevel(ctx context.Context, c *redis.Client, level store.Level) (warnings []string, err error) {
	address := c.Options().Addr
	replication, err := info(ctx, c, "replication")
	if err != nil {
		return nil, err
	}
	have, err := strconv.Atoi(infoField(replication, "connected_slaves"))
	if err != nil && level.Replicas > 0 {
		warnings = append(warnings, fmt.Sprintf("redis at %s does not say how many replicas are connected, and level %q waits for %d: without them its tasks stand still", address, level, level.Replicas))
	} else if have < level.Replicas {
		warnings = append(warnings, fmt.Sprintf("redis at %s has %d replicas connected, and level %q waits for %d: until they are there its tasks stand still", address, have, level, level.Replicas))
	}
	if !level.Fsynced {
		return warnings, nil
	}
	server, err := info(ctx, c, "server")
	if err != nil {
		return nil, err
	}
	persistence, err := info(ctx, c, "persistence")
	if err != nil {
		return nil, err
	}
	if err := judgeDisk(address, level, server, persistence); err != nil {
		return nil, err
	}
	// A user who may not ask is not warned.
	if policy := c.ConfigGet(ctx, "appendfsync").Val()["appendfsync"]; policy != "" && policy != "always" {
		warnings = append(warnings, fmt.Sprintf("redis at %s has appendfsync %s: each commit at level %q waits for the next fsync, up to one second; appendfsync always makes it faster", address, policy, level))
	}
	return warnings, nil
}

// judgeDisk says why a server cannot say that a write is on its disk.
func judgeDisk(address string, level store.Level, server, persistence string) error {
	if version := infoField(server, "redis_version"); version != "" && !atLeast(version, 7, 2) {
		return fmt.Errorf("redis at %s is version %s: level %q needs WAITAOF, which came with 7.2", address, version, level)
	}
	if infoField(persistence, "aof_enabled") == "0" {
		return fmt.Errorf("redis at %s has appendonly no: nothing is ever on its disk as level %q asks for; set appendonly yes", address, level)
	}
	return nil
}

// atLeast compares a version; one that it cannot read is taken to be new.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return true
	}
	x, errX := strconv.Atoi(parts[0])
	y, errY := strconv.Atoi(parts[1])
	return errX != nil || errY != nil || x > major || x == major && y >= minor
}

// eachMaster calls do for every master.
func (s *Store) eachMaster(ctx context.Context, do func(context.Context, *redis.Client) error) error {
	if s.single != nil {
		return do(ctx, s.single)
	}
	if err := s.cluster.ForEachMaster(ctx, do); err != nil {
		return fmt.Errorf("redis cluster of %s: %w", s.config.names(), err)
	}
	return nil
}
