package redisstate

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/store/storetest"
)

// The store keeps its contract on the server in memory, and on real ones where
// they are named.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			s, l, server := patientWorld(t, 30*time.Second) // no reply is lost, and machines may be slow
			return storetest.Harness{Store: s, Split: func(context.Context) error { return l.split(t, server) }}
		})
	})
	for _, variable := range []string{"COPPICE_TEST_REDIS", "COPPICE_TEST_REDIS_CLUSTER"} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			addresses := os.Getenv(variable)
			if addresses == "" {
				t.Skip(variable + " names no server; make integration starts one")
			}
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				s, err := Open(t.Context(), Config{Addresses: strings.Split(addresses, ",")})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close() })
				return storetest.Harness{Store: s}
			})
		})
	}
}
