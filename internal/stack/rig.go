package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/internal/faultproxy"
)

// RigConfig says what [OpenRig] sets up.
type RigConfig struct {
	// Folder is the state folder, which must hold no stack. Required.
	Folder string
	// NoKafka leaves the broker out.
	NoKafka bool
	// RedisServer is the program to run instead of redis-server: a newer one.
	RedisServer string
	// RedisArguments are given to both Redis servers.
	RedisArguments []string
	// Doors is how many stable addresses of the Redis master there are, such as
	// one for each worker. Default 1.
	Doors int
	// ReadyTimeout bounds each wait for a server that was started and for a
	// replica that copies its master. Default 60 s.
	ReadyTimeout time.Duration
	// Progress, if set, is told one line per step.
	Progress func(line string)
}

// Rig is a stack that is made to be broken: one Kafka broker and two Redis
// servers, the second a replica of the first, as processes that end with the
// caller's, and proxies in this process in front of them. Clients under test
// know the proxies alone; who checks them uses the addresses of [Rig.State],
// which no fault of a proxy touches.
//
// The proxies are [Rig.Kafka], [Rig.Doors] and [Rig.Link]; the rest of the
// methods break and mend processes. Calls that concern one server, or the pair,
// must not overlap, others may.
type Rig struct {
	config Config
	kafka  *faultproxy.Proxy
	doors  []*faultproxy.Proxy
	link   *faultproxy.Proxy

	mu              sync.Mutex // guards what follows
	state           State
	master, replica string // the names; while an old master is not demoted, replica is that one
	rejoin          func() // ends an isolation; nil without one
	forkOffset      int64  // where the history of an old master that is not demoted parts from the new one's
	demoted         bool
}

// OpenRig starts the servers and returns when they answer and the replica has
// the master's data. Errors: those of [Up].
func OpenRig(ctx context.Context, config RigConfig) (*Rig, error) {
	folder, err := Load(config.Folder)
	if err != nil {
		return nil, err
	}
	if len(folder.Servers) > 0 {
		return nil, fmt.Errorf("stack: %s holds a stack: end it first (stack down --folder)", config.Folder)
	}
	r := &Rig{master: "pair-1", replica: "pair-2", demoted: true}
	if err := r.listen(max(config.Doors, 1)); err != nil {
		return nil, errors.Join(err, r.closeProxies())
	}
	r.config = Config{
		Folder:        config.Folder,
		Parts:         Parts{Kafka: !config.NoKafka, Pair: true},
		ReadyTimeout:  config.ReadyTimeout,
		EndWithCaller: true,
		redisServer:   config.RedisServer,
		redisMore:     config.RedisArguments,
		Progress:      config.Progress,
		front:         r.kafka.Address(),
		link:          r.link.Address(),
		placed:        r.lead,
	}
	if r.state, err = Up(ctx, r.config); err != nil {
		return nil, errors.Join(err, r.closeProxies())
	}
	if r.config, err = r.config.withDefaults(); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	return r, nil
}

// listen starts the proxies. They lead nowhere until the servers have ports.
func (r *Rig) listen(doors int) error {
	open := func() (*faultproxy.Proxy, error) {
		proxy, err := faultproxy.Listen("")
		if err != nil {
			return nil, fmt.Errorf("stack: %w", err)
		}
		return proxy, nil
	}
	var err error
	if r.kafka, err = open(); err != nil {
		return err
	}
	if r.link, err = open(); err != nil {
		return err
	}
	for range doors {
		door, err := open()
		if err != nil {
			return err
		}
		r.doors = append(r.doors, door)
	}
	return nil
}

// lead has the proxies lead to the servers, whose ports are chosen.
func (r *Rig) lead(servers []Server) {
	for _, server := range servers {
		if server.Role == Kafka {
			r.kafka.SetUpstream(address(server.FrontPort))
		}
		if server.Name == r.master {
			r.leadTo(server)
		}
	}
}

// leadTo has doors and link lead to a master.
func (r *Rig) leadTo(master Server) {
	r.link.SetUpstream(master.Address)
	for _, door := range r.doors {
		door.SetUpstream(master.Address)
	}
}

// Close ends all programs and servers at once, paused ones too, removes their
// data and logs and closes the proxies.
func (r *Rig) Close(ctx context.Context) error {
	var problems []error
	for _, server := range r.State().Servers {
		// The data goes as well, so there is nothing to end gently for.
		problems = append(problems, server.Signal(sigKill))
	}
	return errors.Join(append(problems, Down(ctx, r.config.Folder, false), r.closeProxies())...)
}

func (r *Rig) closeProxies() error {
	var problems []error
	for _, proxy := range append(slices.Clone(r.doors), r.kafka, r.link) {
		if proxy != nil {
			problems = append(problems, proxy.Close())
		}
	}
	return errors.Join(problems...)
}

// Kafka is the proxy of the broker. Clients that start at its address stay with
// it: the broker tells them no other.
func (r *Rig) Kafka() *faultproxy.Proxy { return r.kafka }

// Doors are the stable addresses of the Redis master: after a promotion new
// connections lead to the new one, and those that exist stay where they are
// until they are cut.
func (r *Rig) Doors() []*faultproxy.Proxy { return slices.Clone(r.doors) }

// Link is the proxy through which the replica follows its master.
func (r *Rig) Link() *faultproxy.Proxy { return r.link }

// State is the record of all servers and programs, with their own addresses.
func (r *Rig) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state
	state.Servers = slices.Clone(state.Servers)
	return state
}

// Master is the Redis server to which the doors lead.
func (r *Rig) Master() Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server(r.master)
}

// Replica is the other Redis server: between [Rig.Promote] and [Rig.Demote] the
// old master, which still takes writes.
func (r *Rig) Replica() Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server(r.replica)
}

// server returns a server that exists by construction. r.mu is held.
func (r *Rig) server(name string) Server {
	server, known := r.state.Server(name)
	if !known {
		panic("stack: the rig has no " + name)
	}
	return server
}

// find returns the server or program of a name.
func (r *Rig) find(name string) (Server, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	server, known := r.state.Server(name)
	if !known {
		return Server{}, &UnknownServerError{Server: name, Folder: r.config.Folder}
	}
	return server, nil
}

// record writes a server down: whatever happens to us now, Down will find it.
func (r *Rig) record(server Server) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.put(server)
	return r.state.save(r.config.Folder)
}
