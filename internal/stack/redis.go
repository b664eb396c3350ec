package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/coppice-run/coppice/deploy"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// startRedis starts a single server, one of the pair, or a node of the cluster.
func startRedis(config Config, server *Server) error {
	if err := os.MkdirAll(server.Data, 0o755); err != nil {
		return fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	file := filepath.Join(server.Data, "redis.conf")
	if err := os.WriteFile(file, deploy.RedisConf, 0o644); err != nil {
		return fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	_, port, err := net.SplitHostPort(server.Address)
	if err != nil {
		return fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	listening := []string{"--port", port}
	if server.Secrets != "" {
		if listening, err = server.secureRedis(port); err != nil {
			return err
		}
	}
	command := append([]string{cmp.Or(config.redisServer, "redis-server"), file, "--dir", server.Data}, listening...)
	if server.Follows != "" {
		host, port, err := net.SplitHostPort(server.Follows)
		if err != nil {
			return fmt.Errorf("stack: %s: the master's address: %w", server.Name, err)
		}
		command = append(command, "--replicaof", host, port)
	}
	if server.Role == Master || server.Role == Replica {
		command = append(command,
			"--cluster-enabled", "yes",
			"--cluster-port", strconv.Itoa(server.SidePort),
			"--cluster-node-timeout", strconv.Itoa(config.ClusterNodeTimeoutMillis))
	}
	command = append(command, config.redisMore...)
	return server.spawn(config.EndWithCaller, command...)
}

// redisClient asks once and never repeats a command behind our back.
func redisClient(address string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:                  address,
		Protocol:              2,
		PoolSize:              1,
		MaxRetries:            -1,
		DialTimeout:           time.Second,
		DialerRetries:         1,
		DisableIdentity:       true,
		ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
}

// askRedis succeeds when the server has loaded its data and answers.
func askRedis(ctx context.Context, server Server) error {
	client, err := server.client()
	if err != nil {
		return err
	}
	return errors.Join(client.Ping(ctx).Err(), client.Close())
}
