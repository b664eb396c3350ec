package redisstate

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
)

// Store is a store.Store on Redis.
type Store struct {
	config  Config
	single  *redis.Client        // pooled, for reads; nil on a cluster
	cluster *redis.ClusterClient // nil on a single server
	looks   *redis.Client        // at who answers at the address of a single server; nil on a cluster

	memories memories
	claims   claims
}

var _ store.Store = (*Store)(nil)

// Open reaches the server and finds out whether it is a cluster. The error of a
// server that does not answer names its address.
func Open(ctx context.Context, config Config) (*Store, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	clustered, err := isCluster(ctx, config)
	if err != nil {
		return nil, err
	}
	s := &Store{config: config}
	if clustered {
		s.cluster = redis.NewClusterClient(config.clusterOptions())
		if err := config.instrument(s.cluster, true); err != nil {
			return nil, errors.Join(fmt.Errorf("redisstate: Config.Instrument: %w", err), s.Close())
		}
		return s, nil
	}
	if len(config.Addresses) > 1 {
		return nil, fmt.Errorf("redis at %s is a single server, and %d addresses are given: name one, or the nodes of one cluster", config.Addresses[0], len(config.Addresses))
	}
	s.single = redis.NewClient(config.options(config.Addresses[0]))
	looks := config.options(config.Addresses[0])
	looks.ConnMaxLifetime = lookFor // an older connection may end at a server that was replaced
	s.looks = redis.NewClient(looks)
	if err := errors.Join(config.instrument(s.single, true), config.instrument(s.looks, true)); err != nil {
		return nil, errors.Join(fmt.Errorf("redisstate: Config.Instrument: %w", err), s.Close())
	}
	return s, nil
}

// isCluster asks the first address that answers.
func isCluster(ctx context.Context, config Config) (bool, error) {
	var failures []error
	for _, address := range config.Addresses {
		client := redis.NewClient(config.options(address))
		err := client.Ping(ctx).Err()
		if err != nil {
			failures = append(failures, fmt.Errorf("redis at %s does not answer: %w", address, config.atFirst(err)))
			_ = client.Close()
			continue
		}
		server := client.Info(ctx, "server").Val() // "" where it is hidden
		info, err := client.Info(ctx, "cluster").Result()
		_ = client.Close()
		if infoField(server, "redis_mode") == "sentinel" {
			failures = append(failures, &SentinelError{address})
			continue
		}
		if err != nil && !isReply(err) {
			failures = append(failures, fmt.Errorf("redis at %s does not answer: %w", address, err))
			continue
		}
		return infoField(info, "cluster_enabled") == "1", nil
	}
	return false, errors.Join(failures...)
}

// master returns a pooled client of the server that holds a slot.
func (s *Store) master(ctx context.Context, slot store.Slot) (*redis.Client, error) {
	if s.single != nil {
		return s.single, nil
	}
	client, err := s.cluster.MasterForKey(ctx, slot.Head)
	if err != nil {
		return nil, fmt.Errorf("slot %s: no master found in the cluster of %s: %w", slot.Tag, s.config.names(), err)
	}
	return client, nil
}

// moved has the next look for a master ask the cluster anew.
func (s *Store) moved(ctx context.Context) {
	if s.cluster != nil {
		s.cluster.ReloadState(ctx)
	}
}

// Close closes the pooled connections.
func (s *Store) Close() error {
	var err error
	if s.single != nil {
		err = errors.Join(s.single.Close(), s.looks.Close())
	} else {
		err = s.cluster.Close()
	}
	if errors.Is(err, redis.ErrClosed) {
		return nil
	}
	return err
}
