package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mode says who runs the servers.
type Mode string

const (
	Native  Mode = "native"  // processes of this machine
	Compose Mode = "compose" // containers of docker-compose.yml
)

// Role is what a server is for.
type Role string

const (
	Kafka   Role = "kafka"
	Redis   Role = "redis"   // the single server
	Master  Role = "master"  // of the cluster
	Replica Role = "replica" // of the cluster
	Pair    Role = "pair"    // one of two single servers, of which one follows the other
	Program Role = "program" // started by [Rig.Launch]
)

// State is what a stack consists of, as recorded in stack.json of its folder.
type State struct {
	Version int      `json:"version"` // 1
	Mode    Mode     `json:"mode"`
	Servers []Server `json:"servers"`
	// ComposeFile is the docker-compose.yml of compose mode.
	ComposeFile string `json:"composeFile,omitempty"`
}

// Server is one recorded server. In compose mode only Name, Role and Address are set.
type Server struct {
	Name    string `json:"name"` // kafka, redis, master-1…, replica-1…, pair-1, pair-2
	Role    Role   `json:"role"`
	Address string `json:"address"` // host:port
	// SidePort is Kafka's controller port or a cluster node's bus port.
	SidePort int `json:"sidePort,omitempty"`
	// Front is the address that Kafka tells those who ask it on FrontPort, beside Address: a proxy's.
	Front     string `json:"front,omitempty"`
	FrontPort int    `json:"frontPort,omitempty"`
	// Secrets is the folder with the certificates and passwords of a secure server, which
	// speaks TLS on Front (Kafka) or on Address (Redis); "": it is not secure.
	Secrets string `json:"secrets,omitempty"`
	// Follows is the address of the master of a server of the pair, which may be a proxy's; "" for a master.
	Follows string `json:"follows,omitempty"`
	// Command is what a program was started by.
	Command []string `json:"command,omitempty"`
	// Pid and Started together name the process: a pid is given again, a pid with its start time is not.
	Pid     int    `json:"pid,omitempty"`
	Started string `json:"started,omitempty"`
	Data    string `json:"data,omitempty"` // folder
	Log     string `json:"log,omitempty"`  // file
}

const stateVersion = 1

func stateFile(folder string) string { return filepath.Join(folder, "stack.json") }

// Load reads the record of a state folder. A folder without a record gives the zero State.
func Load(folder string) (State, error) {
	data, err := os.ReadFile(stateFile(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("stack: read the record: %w", err)
	}
	var state State
	if err := json.Unmarshal(data, &state); err != nil {
		return State{}, fmt.Errorf("stack: %s is damaged: %w; end its processes by hand and remove it", stateFile(folder), err)
	}
	if state.Version != stateVersion {
		return State{}, fmt.Errorf("stack: %s has version %d, this program knows %d: run the `stack down` that wrote it",
			stateFile(folder), state.Version, stateVersion)
	}
	return state, nil
}

// save replaces the record as a whole, so that a reader never sees half of it.
func (s State) save(folder string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("stack: encode the record: %w", err)
	}
	next := stateFile(folder) + ".next"
	if err := os.WriteFile(next, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("stack: write the record: %w", err)
	}
	if err := os.Rename(next, stateFile(folder)); err != nil {
		return fmt.Errorf("stack: write the record: %w", err)
	}
	return nil
}

// Server returns the server of that name.
func (s State) Server(name string) (Server, bool) {
	i := slices.IndexFunc(s.Servers, func(server Server) bool { return server.Name == name })
	if i < 0 {
		return Server{}, false
	}
	return s.Servers[i], true
}

// put adds the server, or replaces the one of its name.
func (s *State) put(server Server) {
	i := slices.IndexFunc(s.Servers, func(other Server) bool { return other.Name == server.Name })
	if i < 0 {
		s.Servers = append(s.Servers, server)
		return
	}
	s.Servers[i] = server
}

// Kafka is the address of Kafka, or "" without one.
func (s State) Kafka() string { return strings.Join(s.addresses(Kafka), ",") }

// Redis is the address of the single Redis, or "" without one.
func (s State) Redis() string { return strings.Join(s.addresses(Redis), ",") }

// Cluster holds the addresses of the cluster's masters; replicas are found through them.
func (s State) Cluster() []string { return s.addresses(Master) }

// Pair holds the addresses of the two servers of which one follows the other, by
// name; who is the master, they say themselves.
func (s State) Pair() []string { return s.addresses(Pair) }

// servers are those of one role, by name.
func (s State) servers(role Role) []Server {
	var servers []Server
	for _, server := range s.Servers {
		if server.Role == role {
			servers = append(servers, server)
		}
	}
	slices.SortFunc(servers, func(a, b Server) int { return strings.Compare(a.Name, b.Name) })
	return servers
}

func (s State) addresses(role Role) []string {
	var addresses []string
	for _, server := range s.servers(role) {
		addresses = append(addresses, server.Address)
	}
	return addresses
}

// Environment is what tests against real servers read, as NAME=value:
// COPPICE_TEST_KAFKA, COPPICE_TEST_REDIS, and COPPICE_TEST_REDIS_CLUSTER with
// the masters separated by commas. Parts that do not exist are left out. Of secure
// servers it is what package connect reads, for a worker, and COPPICE_TEST_SECURE, the
// folder of their secrets.
func (s State) Environment() []string {
	if secure := s.secureEnvironment(); secure != nil {
		return secure
	}
	var environment []string
	for _, variable := range []struct{ name, value string }{
		{"COPPICE_TEST_KAFKA", s.Kafka()},
		{"COPPICE_TEST_REDIS", s.Redis()},
		{"COPPICE_TEST_REDIS_CLUSTER", strings.Join(s.Cluster(), ",")},
	} {
		if variable.value != "" {
			environment = append(environment, variable.name+"="+variable.value)
		}
	}
	return environment
}
