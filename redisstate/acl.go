package redisstate

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/secret"
)

// Right is what a user of Redis is for.
type Right int

const (
	// Owning is what a worker needs: to take slots, to write and to read them.
	Owning Right = iota
	// Reading is what programs need that read and append alone: they cannot write.
	Reading
)

// ACLConfig says for whom [ACL] makes a line.
type ACLConfig struct {
	// User is the name; required, without blanks.
	User string
	// Password is put into the line, as its SHA-256 hash; none: PASSWORD stands there.
	Password secret.Text
	// Modules are those whose keys the user may touch; none: those of all modules, and
	// no other keys.
	Modules []string
	// Right is what the user may do with them. Default Owning.
	Right Right
	// Cluster adds what is asked of the nodes of a cluster.
	Cluster bool
	// Fsynced adds what the durability level fsynced waits with; Redis 7.2 or newer
	// knows the command.
	Fsynced bool
}

// command is one that this package sends, and who needs it.
type command struct {
	name   string
	owning bool // only a worker sends it
	asked  func(*ACLConfig) bool
}

func inCluster(c *ACLConfig) bool { return c.Cluster }

// commands are all that are sent: a suite on a real server, run by a user who has no
// others, fails when one is missing here, and when one is here that nobody sends.
var commands = []command{
	// Who answers.
	{name: "PING"}, {name: "INFO"},
	{name: "CLUSTER|SLOTS", asked: inCluster}, {name: "CLUSTER|NODES", asked: inCluster}, {name: "COMMAND", asked: inCluster},
	{name: "CLUSTER|MYID", owning: true, asked: inCluster},
	// Reads, several of one moment.
	{name: "MULTI"}, {name: "EXEC"},
	{name: "GET"}, {name: "EXISTS"},
	{name: "HGET"}, {name: "HMGET"}, {name: "HGETALL"}, {name: "HLEN"},
	{name: "ZSCORE"}, {name: "ZCARD"}, {name: "SISMEMBER"}, {name: "SCARD"},
	{name: "EVAL_RO"}, {name: "ZRANGEBYLEX"}, {name: "ZREVRANGEBYLEX"}, // the last two by the first one's scripts
	// Looking through a table while it is worked on: values that are to be migrated.
	{name: "HSCAN", owning: true},
	// Take-overs and commits.
	{name: "WATCH", owning: true}, {name: "SET", owning: true}, {name: "UNLINK", owning: true},
	{name: "HSET", owning: true}, {name: "HDEL", owning: true},
	{name: "ZADD", owning: true}, {name: "ZREM", owning: true}, {name: "SADD", owning: true}, {name: "SREM", owning: true},
	// Durability levels.
	{name: "WAIT", owning: true},
	{name: "WAITAOF", owning: true, asked: func(c *ACLConfig) bool { return c.Fsynced }},
}

// ACL is the line of Redis' ACL file, or behind ACL SETUSER what follows that, for a
// user who may do what this package does and nothing else: only the commands that it
// sends, only on keys of the modules. EVAL_RO runs scripts that can only read.
//
// Not in it is CONFIG GET, by which a start at the level fsynced warns of a slow
// setting: without it nothing is warned of.
//
// Errors say which name cannot stand in a line.
func ACL(config ACLConfig) (string, error) {
	for _, name := range append([]string{config.User}, config.Modules...) {
		if name == "" || strings.ContainsAny(name, " \t\r\n*?[]\\{}.") {
			return "", fmt.Errorf("redisstate: %q cannot stand in an ACL: give a name without blanks, dots and patterns", name)
		}
	}
	words := []string{"user", config.User, "reset", "on", password(config.Password)}
	patterns := []string{"{*}:*"}
	if len(config.Modules) > 0 {
		patterns = nil
		for _, module := range config.Modules {
			patterns = append(patterns, "{"+module+".*}:*")
		}
	}
	for _, pattern := range patterns {
		if config.Right == Reading {
			words = append(words, "%R~"+pattern)
		} else {
			words = append(words, "~"+pattern)
		}
	}
	for _, name := range commandNames(&config) {
		words = append(words, "+"+strings.ToLower(name))
	}
	return strings.Join(words, " "), nil
}

// commandNames are the commands that a user needs.
func commandNames(config *ACLConfig) []string {
	var names []string
	for _, c := range commands {
		if c.owning && config.Right == Reading || c.asked != nil && !c.asked(config) {
			continue
		}
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

func password(p secret.Text) string {
	if !p.IsSet() {
		return ">PASSWORD"
	}
	return fmt.Sprintf("#%x", sha256.Sum256([]byte(p.Reveal())))
}
