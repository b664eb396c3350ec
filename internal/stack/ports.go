package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const loopback = "127.0.0.1"

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// portPicker hands out free ports and keeps them taken until release, so that it never gives one twice.
type portPicker struct{ held []net.Listener }

// The range lies below the one from which Linux takes the ports of outgoing
// connections and of listeners on port 0 (32768 to 60999): a port that we have
// released stays free until the server listens on it, unless somebody asks for
// just that one.
const (
	pickFrom  = 20_000
	pickBelow = 32_000
)

// pick returns a port that was free.
func (p *portPicker) pick() (int, error) {
	var last error
	for range 200 {
		port := pickFrom + rand.IntN(pickBelow-pickFrom)
		if last = p.hold(port); last == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("stack: found no free port from %d to %d: %w", pickFrom, pickBelow, last)
}

// hold takes a certain port.
func (p *portPicker) hold(port int) error {
	listener, err := net.Listen("tcp", address(port))
	if err == nil {
		p.held = append(p.held, listener)
	}
	return err
}

// release lets the servers have their ports.
func (p *portPicker) release() {
	for _, listener := range p.held {
		listener.Close()
	}
	p.held = nil
}
