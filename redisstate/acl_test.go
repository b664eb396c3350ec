package redisstate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/secret"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/storetest"
	"github.com/coppice-run/coppice/task"
)

// nodes are clients of all masters that a variable names, as their administrator.
func nodes(t *testing.T, variable string) []*redis.Client {
	t.Helper()
	addresses := os.Getenv(variable)
	if addresses == "" {
		t.Skip(variable + " names no server; make integration starts one")
	}
	var all []*redis.Client
	for address := range strings.SplitSeq(addresses, ",") {
		c := redis.NewClient(&redis.Options{Addr: address})
		t.Cleanup(func() { _ = c.Close() })
		all = append(all, c)
	}
	return all
}

// user makes a user by the line of ACL, with these words behind it, until the test ends.
func user(t *testing.T, variable string, config ACLConfig, more ...string) Config {
	t.Helper()
	config.User, config.Password = "u"+strings.ReplaceAll(uuid.NewString(), "-", ""), secret.New(uuid.NewString())
	config.Cluster = variable == "COPPICE_TEST_REDIS_CLUSTER"
	line, err := ACL(config)
	if err != nil {
		t.Fatal(err)
	}
	words := append([]any{"ACL", "SETUSER"}, anys(append(strings.Fields(line)[1:], more...))...)
	for _, c := range nodes(t, variable) {
		if err := c.Do(t.Context(), words...).Err(); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		t.Cleanup(func() { _ = c.Do(context.WithoutCancel(t.Context()), "ACL", "DELUSER", config.User).Err() })
	}
	return Config{Addresses: strings.Split(os.Getenv(variable), ","), Username: config.User, Password: config.Password}
}

func anys(words []string) (out []any) {
	for _, w := range words {
		out = append(out, w)
	}
	return out
}

var realServers = []string{"COPPICE_TEST_REDIS", "COPPICE_TEST_REDIS_CLUSTER"}

// A user with the line of ACL can do all that a store is to do.
func TestACLIsEnough(t *testing.T) {
	t.Parallel()
	for _, variable := range realServers {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			config := user(t, variable, ACLConfig{}, "~*") // the suite's keys are of no module
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				s, err := Open(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close() })
				if err := s.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				return storetest.Harness{Store: s}
			})
		})
	}
}

// The commands of the line are those that stand in the sources of this package, and no
// others: a new command without its right fails here, without any server.
func TestACLHasTheCommandsOfTheSources(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, c := range commands {
		have[c.name] = true
	}
	sent := sources(t)
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if !have[name] {
			t.Errorf("%s sends %s, and no user has the right to", sent[name], name)
		}
		delete(have, name)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		t.Errorf("users have the right to %s, and nobody sends it", name)
	}
}

// A user of a module has no other keys, and one who reads cannot write.
func TestACLIsNotMore(t *testing.T) {
	t.Parallel()
	for _, variable := range realServers {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			take := func(config Config, module string) error {
				t.Helper()
				s, err := Open(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				tag := task.Tag(module, 0, 1)
				session, _, err := s.Take(t.Context(), store.Slot{Tag: tag, Head: "{" + tag + "}:head"}, task.Head{Mark: task.Mark{Token: task.Token(uuid.New())}})
				if err == nil {
					_ = session.Close()
				}
				return err
			}
			owner := user(t, variable, ACLConfig{Modules: []string{"Mine"}})
			if err := take(owner, "Mine"); err != nil {
				t.Errorf("the own module: %v", err)
			}
			if err := take(owner, "Others"); !errors.Is(err, store.ErrDenied) {
				t.Errorf("another module: %v, want %v", err, store.ErrDenied)
			}
			reader := user(t, variable, ACLConfig{Modules: []string{"Mine"}, Right: Reading})
			if err := take(reader, "Mine"); !errors.Is(err, store.ErrDenied) {
				t.Errorf("one who reads takes a slot: %v, want %v", err, store.ErrDenied)
			}
			s, err := Open(t.Context(), reader)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			tag := task.Tag("Mine", 0, 1)
			slot := store.Slot{Tag: tag, Head: "{" + tag + "}:head"}
			reads := []store.Read{{Kind: store.Get, Table: store.Table{Kind: store.Map, Key: "{" + tag + "}:p:counts"}, Field: "x"}, {Kind: store.Len, Table: store.Table{Kind: store.SortedMap, Key: "{" + tag + "}:p:order", Index: "{" + tag + "}:i:order"}}}
			if head, err := s.Read(t.Context(), slot, reads); err != nil || head.IsZero() {
				t.Errorf("one who reads: head %v, %v", head, err)
			}
		})
	}
}

func TestACLRefusesNamesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, config := range []ACLConfig{{}, {User: "a b"}, {User: "a", Modules: []string{"*"}}, {User: "a", Modules: []string{"M.1"}}, {User: "a\n"}} {
		if line, err := ACL(config); err == nil {
			t.Errorf("%+v: %s", config, line)
		}
	}
	line, err := ACL(ACLConfig{User: "ann", Password: secret.New("open-sesame"), Modules: []string{"Words"}})
	if err != nil || strings.Contains(line, "open-sesame") || !strings.Contains(line, "~{Words.*}:*") {
		t.Errorf("%s, %v", line, err)
	}
	if fmt.Sprint(ACLConfig{Password: secret.New("open-sesame")}) == "" {
		t.Error("a configuration prints as nothing")
	}
}
