package stack

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

func dataOf(folder, name string) string { return filepath.Join(folder, "data", name) }
func logOf(folder, name string) string  { return filepath.Join(folder, "logs", name+".log") }

// wanted lists the servers of a configuration, without ports.
func wanted(config Config) []Server {
	var servers []Server
	secrets := ""
	if config.Secure {
		secrets = SecretsOf(config.Folder)
	}
	add := func(role Role, name string) {
		servers = append(servers, Server{
			Secrets: secrets,
			Name:    name,
			Role:    role,
			Data:    dataOf(config.Folder, name),
			Log:     logOf(config.Folder, name),
		})
	}
	if config.Parts.Redis {
		add(Redis, "redis")
	}
	for i := range masterCount {
		if config.Parts.Cluster {
			add(Master, "master-"+strconv.Itoa(i+1))
		}
	}
	for i := range masterCount {
		if config.Parts.Replicas {
			add(Replica, "replica-"+strconv.Itoa(i+1))
		}
	}
	for i := range pairCount {
		if config.Parts.Pair {
			add(Pair, "pair-"+strconv.Itoa(i+1))
		}
	}
	if config.Parts.Kafka {
		add(Kafka, KafkaName)
		servers[len(servers)-1].Front = config.front
		if config.Secure {
			servers[len(servers)-1].Front = secureFront
		}
	}
	return servers
}

// secureFront is the front of a secure broker until its port is known.
const secureFront = "secure"

// KafkaName is the name of the broker.
const KafkaName = "kafka"

const pairCount = 2

// pairUp has a second server of the pair that is new follow the first, by the link if there is one.
func pairUp(state State, missing []Server, link string) {
	if link == "" {
		first, _ := state.Server("pair-1")
		for _, server := range missing {
			if server.Name == "pair-1" {
				first = server
			}
		}
		link = first.Address
	}
	for i, server := range missing {
		if _, known := state.Server(server.Name); server.Name == "pair-2" && !known {
			missing[i].Follows = link
		}
	}
}

// forget removes what an earlier start, of which there is no record, has left.
func (s Server) forget() error {
	if err := errors.Join(os.RemoveAll(s.Data), os.RemoveAll(s.Log)); err != nil {
		return fmt.Errorf("stack: %s: %w", s.Name, err)
	}
	return nil
}

func clusterNodes(servers []Server) []Server {
	var nodes []Server
	for _, server := range servers {
		if server.Role == Master || server.Role == Replica {
			nodes = append(nodes, server)
		}
	}
	return nodes
}

// placeAll gives each server its ports, and fails if one of them is taken.
func placeAll(servers []Server, ports Ports) error {
	var picker portPicker
	defer picker.release()
	for i := range servers {
		server := &servers[i]
		port, sidePort, err := ports.of(*server)
		if err != nil {
			return err
		}
		if port, err = picker.place(*server, port); err != nil {
			return err
		}
		server.Address = address(port)
		if server.Role == Redis || server.Role == Pair {
			continue
		}
		if server.Front != "" {
			if server.FrontPort, err = picker.place(*server, server.FrontPort); err != nil {
				return err
			}
			if server.Secrets != "" {
				server.Front = address(server.FrontPort)
			}
		}
		if server.SidePort, err = picker.place(*server, sidePort); err != nil {
			return err
		}
	}
	return nil
}

// place holds the port, or a free one for 0.
func (p *portPicker) place(server Server, port int) (int, error) {
	if port == 0 {
		return p.pick()
	}
	if err := p.hold(port); err != nil {
		return 0, &PortTakenError{Server: server.Name, Address: address(port), Variable: server.Role.variable(), Cause: err}
	}
	return port, nil
}

// of returns the port and the side port of a server: its recorded ones, the
// fixed ones, or zeroes. The bus of a cluster node is 10,000 above its port.
func (p Ports) of(server Server) (port, sidePort int, err error) {
	if server.Address != "" {
		_, text, err := net.SplitHostPort(server.Address)
		if err != nil {
			return 0, 0, fmt.Errorf("stack: recorded address of %s: %w", server.Name, err)
		}
		if port, err = strconv.Atoi(text); err != nil {
			return 0, 0, fmt.Errorf("stack: recorded address of %s: %w", server.Name, err)
		}
		return port, server.SidePort, nil
	}
	switch server.Role {
	case Kafka:
		if p.Kafka != 0 {
			return p.Kafka, p.Kafka + 1, nil
		}
	case Redis:
		return p.Redis, 0, nil
	case Pair:
		if p.Pair != 0 {
			return p.Pair + server.index(), 0, nil
		}
	case Master, Replica:
		if p.Cluster != 0 {
			port := p.Cluster + server.index()
			return port, port + 10_000, nil
		}
	}
	return 0, 0, nil
}

// index is the place of a cluster node, masters from 0, replicas behind them, or of a server of the pair.
func (s Server) index() int {
	_, text, _ := cutLast(s.Name, "-")
	number, err := strconv.Atoi(text)
	if err != nil {
		panic("stack: server " + s.Name + " has no number")
	}
	if s.Role == Replica {
		number += masterCount
	}
	return number - 1
}

// variable is the environment variable that chooses the port of a role.
func (r Role) variable() string {
	switch r {
	case Kafka:
		return "COPPICE_KAFKA_PORT"
	case Redis:
		return "COPPICE_REDIS_PORT"
	case Master, Replica:
		return "COPPICE_REDIS_CLUSTER_PORT"
	case Pair:
		return "COPPICE_REDIS_PAIR_PORT"
	}
	panic("stack: unknown role " + string(r))
}
