package redisstate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Sentinel is told apart, and refused with a word.
func TestSentinelIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getenv("COPPICE_TEST_REDIS") == "" {
		t.Skip("COPPICE_TEST_REDIS names no server; make integration starts one")
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	address := sentinel(t, program)
	_, err = Open(t.Context(), Config{Addresses: []string{address}})
	var refused *SentinelError
	if !errors.As(err, &refused) || refused.Address != address {
		t.Errorf("opening a Sentinel: %v, want a SentinelError", err)
	}
}

// sentinel starts one on a free port, and returns its address when it answers.
func sentinel(t *testing.T, program string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, "port %s\nbind 127.0.0.1\n", port), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	process := exec.Command(program, file, "--sentinel")
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait() // it was killed
	})
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1})
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for client.Ping(ctx).Err() != nil {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal("the Sentinel does not answer")
		}
	}
	return address
}
