package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Config says what [Up] brings up, and where.
type Config struct {
	// Folder is the state folder: the record, the logs and the data. Required.
	Folder string
	// Parts are the servers wanted. The zero value wants all, without replicas.
	Parts Parts
	// Ports are the ports of servers that are not recorded yet; a recorded server keeps its own.
	Ports Ports
	// ReadyTimeout bounds the wait until all servers answer, fetching the jars not included. Default 60 s.
	ReadyTimeout time.Duration
	// ClusterNodeTimeoutMillis is how long a cluster node may be silent before
	// the others call it failed, in milliseconds. Default 5,000.
	ClusterNodeTimeoutMillis int
	// EndWithCaller has the system kill the servers that this Up starts when the
	// caller's process ends, however that happens: for tests. Linux only.
	EndWithCaller bool
	// Progress, if set, is told one line per step.
	Progress func(line string)
	// Secure has Kafka and the single Redis speak TLS, and know users with rights:
	// their passwords and certificates are made at the first start (SecretsOf). The
	// other parts, and containers, have no secure form.
	Secure bool

	// What a [Rig] adds: the proxies in front of Kafka and between the pair, and
	// who is told of servers that have their ports and do not run yet.
	front, link string
	placed      func(servers []Server)
	redisServer string
	redisMore   []string
}

// Parts names servers.
type Parts struct {
	Kafka    bool
	Redis    bool // a single server
	Cluster  bool // three masters
	Replicas bool // one replica for each master; implies Cluster
	Pair     bool // two single servers, the second a replica of the first; native only
}

// Ports are the loopback ports that servers listen on. 0 is a free port chosen at the start.
type Ports struct {
	Kafka   int // the controller listens on the next one
	Redis   int
	Cluster int // the first master; the others, then the replicas, follow
	Pair    int // the first server; the second follows
}

// DefaultPorts are the ports of `make stack`: 19092, 16379, 17001 and 16479,
// unless the environment says otherwise by COPPICE_KAFKA_PORT,
// COPPICE_REDIS_PORT, COPPICE_REDIS_CLUSTER_PORT (the first master's) and
// COPPICE_REDIS_PAIR_PORT (the first server's).
func DefaultPorts() (Ports, error) {
	ports := Ports{Kafka: 19092, Redis: 16379, Cluster: 17001, Pair: 16479}
	for name, port := range map[string]*int{
		"COPPICE_KAFKA_PORT":         &ports.Kafka,
		"COPPICE_REDIS_PORT":         &ports.Redis,
		"COPPICE_REDIS_CLUSTER_PORT": &ports.Cluster,
		"COPPICE_REDIS_PAIR_PORT":    &ports.Pair,
	} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 || number > 55_535 {
			// The bus of a cluster node listens 10,000 above its port.
			return Ports{}, fmt.Errorf("stack: %s=%q: want a port from 1 to 55535", name, text)
		}
		*port = number
	}
	return ports, nil
}

// masterCount is the size of the cluster: the smallest that can elect.
const masterCount = 3

func (c Config) withDefaults() (Config, error) {
	if c.Folder == "" {
		return c, fmt.Errorf("stack: Config.Folder is empty: name the state folder")
	}
	folder, err := filepath.Abs(c.Folder)
	if err != nil {
		return c, fmt.Errorf("stack: state folder %s: %w", c.Folder, err)
	}
	c.Folder = folder
	if c.Parts == (Parts{}) {
		c.Parts = Parts{Kafka: true, Redis: true, Cluster: true}
	}
	if c.Secure && (c.Parts.Cluster || c.Parts.Replicas || c.Parts.Pair) {
		return c, fmt.Errorf("stack: only kafka and redis have a secure form: leave the other parts out")
	}
	if c.Parts.Replicas {
		c.Parts.Cluster = true
	}
	if c.ReadyTimeout == 0 {
		c.ReadyTimeout = time.Minute
	}
	if c.ClusterNodeTimeoutMillis == 0 {
		c.ClusterNodeTimeoutMillis = 5_000
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.placed == nil {
		c.placed = func([]Server) {}
	}
	return c, nil
}

func (c Config) report(format string, args ...any) {
	c.Progress(fmt.Sprintf(format, args...))
}
