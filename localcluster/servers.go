package localcluster

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/depot/memdepot"
	"github.com/coppice-run/coppice/internal/pipe"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/store"
)

// servers are the broker and the server in memory, and the adapters on them.
type servers struct {
	broker *kfake.Cluster
	redis  *miniredis.Miniredis
	log    depot.Log
	store  store.Store
}

// redisAddress names the in-memory server in messages; nothing listens there.
const redisAddress = "redis.in-memory:6379"

func (c *Cluster) startServers(ctx context.Context, clock *Clock) error {
	if c.log != nil && c.store != nil {
		return nil
	}
	c.servers = &servers{}
	if c.log == nil {
		if clock != nil {
			c.servers.log = memdepot.New(clock.Now)
		} else if err := c.servers.startKafka(ctx); err != nil {
			return errors.Join(err, c.servers.close())
		}
		c.log = c.servers.log
	}
	if c.store == nil {
		if err := c.servers.startRedis(ctx); err != nil {
			return errors.Join(err, c.servers.close())
		}
		c.store = c.servers.store
	}
	return nil
}

func (s *servers) startKafka(ctx context.Context) error {
	network := &kfake.VirtualNetwork{}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(network.Listen))
	if err != nil {
		return fmt.Errorf("starting the in-memory broker: %w", err)
	}
	s.broker = broker
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: broker.ListenAddrs(), Dialer: network.DialContext})
	if err != nil {
		return err
	}
	s.log = log
	return nil
}

func (s *servers) startRedis(ctx context.Context) error {
	s.redis = miniredis.NewMiniRedis()
	dial := func(context.Context, string, string) (net.Conn, error) {
		conn, err := s.redis.Dial()
		if err != nil {
			return nil, err
		}
		return pipe.Buffered(conn), nil
	}
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{redisAddress}, Dialer: dial})
	if err != nil {
		return err
	}
	s.store = state
	return nil
}

func (s *servers) close() error {
	var errs []error
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.broker != nil {
		s.broker.Close()
	}
	if s.redis != nil {
		s.redis.Close()
	}
	return errors.Join(errs...)
}
