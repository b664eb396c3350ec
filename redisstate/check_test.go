package redisstate

import (
	"strings"
	"testing"
)

// T10: a server that would delete state, or cannot read it, is refused: by its
// address, with what is wrong and what to set.
func TestServersThatAreRefused(t *testing.T) {
	t.Parallel()
	const server, memory = "# Server\r\nredis_version:7.0.15\r\nrun_id:x\r\n", "# Memory\r\nmaxmemory:1000000\r\nmaxmemory_policy:noeviction\r\n"
	for _, c := range []struct {
		name, server, memory string
		want                 []string
	}{
		{"good", server, memory, nil},
		{"newer", strings.Replace(server, "7.0.15", "8.2.3", 1), memory, nil},
		{"hides everything", "", "", nil},
		{"evicts", server, strings.Replace(memory, "noeviction", "allkeys-lru", 1), []string{"allkeys-lru", "here:6379", "set maxmemory-policy noeviction"}},
		{"evicts what expires", server, strings.Replace(memory, "noeviction", "volatile-ttl", 1), []string{"volatile-ttl"}},
		{"too old", strings.Replace(server, "7.0.15", "6.2.14", 1), memory, []string{"6.2.14", "7.0"}},
	} {
		err := judge("here:6379", c.server, c.memory)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want %q in it", c.name, err, w)
			}
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	for _, addresses := range [][]string{nil, {"nohost"}} {
		if _, err := Open(t.Context(), Config{Addresses: addresses}); err == nil {
			t.Errorf("addresses %q were taken", addresses)
		}
	}
}
