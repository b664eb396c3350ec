package redisstate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

// versionMin is the oldest major version with read-only scripts.
const versionMin = 7

// Check reaches every master and refuses servers on which state would be lost in
// silence: too old, or evicting keys when memory is full (T10). What a server
// hides is not checked.
func (s *Store) Check(ctx context.Context) error {
	var mu sync.Mutex
	var failures []error
	err := s.eachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		if err := s.checkServer(ctx, c); err != nil {
			mu.Lock()
			failures = append(failures, err)
			mu.Unlock()
		}
		return nil
	})
	return errors.Join(append(failures, err)...)
}

func (s *Store) checkServer(ctx context.Context, c *redis.Client) error {
	address := c.Options().Addr
	if err := c.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis at %s does not answer: %w", address, explained(err))
	}
	server, err := info(ctx, c, "server")
	if err != nil {
		return err
	}
	memory, err := info(ctx, c, "memory")
	if err != nil {
		return err
	}
	return judge(address, server, memory)
}

// judge says what is wrong with a server by what INFO tells of it.
func judge(address, server, memory string) error {
	version := infoField(server, "redis_version")
	if !atLeast(version, versionMin, 0) {
		return fmt.Errorf("redis at %s is version %s: state needs %d.0 or newer (read-only scripts)", address, version, versionMin)
	}
	policy, most := infoField(memory, "maxmemory_policy"), infoField(memory, "maxmemory")
	if policy != "" && policy != "noeviction" {
		return fmt.Errorf("redis at %s has maxmemory-policy %s (maxmemory %s): it would delete state when memory is full; set maxmemory-policy noeviction", address, policy, most)
	}
	return nil
}

// info reads a section of INFO; "" where the server does not offer it.
func info(ctx context.Context, c *redis.Client, section string) (string, error) {
	text, err := c.Info(ctx, section).Result()
	if err != nil && !isReply(err) {
		return "", fmt.Errorf("redis at %s does not answer: %w", c.Options().Addr, err)
	}
	return text, nil
}
