package redisstate

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/internal/model"
)

// Random operations on PStates of every kind give what maps and slices give: on the
// server in memory, and on real ones where they are named. `make model` runs many more.
func TestModel(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		s, _, _ := patientWorld(t, 30*time.Second)
		check(t, model.Config{Store: s, Ops: 5_000, Keys: keysOf(s.single)})
	})
	t.Run("COPPICE_TEST_REDIS", func(t *testing.T) {
		t.Parallel()
		addresses := os.Getenv("COPPICE_TEST_REDIS")
		if addresses == "" {
			t.Skip("COPPICE_TEST_REDIS names no server; make integration starts one")
		}
		s, err := Open(t.Context(), Config{Addresses: strings.Split(addresses, ",")})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		check(t, model.Config{Store: s, Name: "Model-" + rand.Text(), Seed: 100, Ops: 20_000, Keys: keysOf(s.single)})
	})
}

func check(t *testing.T, config model.Config) {
	t.Helper()
	r, err := model.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
}

// keysOf lists the keys of a server that begin with a text.
func keysOf(client *redis.Client) func(context.Context, string) ([]string, error) {
	return func(ctx context.Context, prefix string) ([]string, error) {
		var keys []string
		all := client.Scan(ctx, 0, "*", 1000).Iterator()
		for all.Next(ctx) {
			if strings.HasPrefix(all.Val(), prefix) {
				keys = append(keys, all.Val())
			}
		}
		return keys, all.Err()
	}
}
