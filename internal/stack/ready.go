package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// askTimeout bounds one question to one server.
const askTimeout = 2 * time.Second

// ask succeeds when the server answers and is of use by itself; what a cluster needs as a whole, [Server.Check] asks.
func ask(ctx context.Context, server Server) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	// The clients write of a refused connection to the standard error, so they come second.
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", server.Address)
	if err != nil {
		return err
	}
	connection.Close()
	if server.Role == Kafka {
		return askKafka(ctx, server)
	}
	return askRedis(ctx, server)
}

// errEnded is the cause of a start that ended with the server's process.
var errEnded = errors.New("the process has ended")

// waitReady asks until the server answers, its process ends, or the context does.
func waitReady(ctx context.Context, server Server) error {
	began := time.Now()
	var last error
	ended := false
	err := poll(ctx, func() bool {
		if ended = !server.Alive(); ended {
			last = errEnded
			return true
		}
		last = ask(ctx, server)
		return last == nil
	})
	if last == nil && err == nil {
		return nil
	}
	return &StartError{
		Server:  server.Name,
		Address: server.Address,
		After:   time.Since(began),
		Exited:  ended,
		Log:     server.Log,
		Tail:    tail(server.Log, 20),
		Cause:   errors.Join(last, err),
	}
}

// wait asks until the answer is nil or the context ends; then it tells the last answer.
func wait(ctx context.Context, name string, question func(context.Context) error) error {
	var last error
	err := poll(ctx, func() bool {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		last = question(ctx)
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("stack: wait for %s: %w; last: %w", name, err, last)
	}
	return nil
}

// Health is what one server says of itself now.
type Health struct {
	Server
	// Running says whether the recorded process exists; always false in compose mode, which records none.
	Running bool `json:"running"`
	// Problem is empty for a server that answers.
	Problem string `json:"problem,omitempty"`
}

// Check asks the server whether it can serve: a node of the cluster also whether
// all slots are served, a replica also whether its link to the master is up. A
// program is asked only whether it runs.
func (s Server) Check(ctx context.Context) error {
	if s.Role == Program {
		if !s.Alive() {
			return errEnded
		}
		return nil
	}
	if err := ask(ctx, s); err != nil || s.Role == Kafka || s.Role == Redis {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	node := node{s, redisClient(s.Address)}
	question := node.ready
	if s.Role == Pair {
		question = node.linked
	}
	return errors.Join(question(ctx), node.client.Close())
}

// Check asks each recorded server.
func (s State) Check(ctx context.Context) []Health {
	var report []Health
	for _, server := range s.Servers {
		health := Health{Server: server, Running: server.Alive()}
		if err := server.Check(ctx); err != nil {
			health.Problem = err.Error()
		}
		report = append(report, health)
	}
	return report
}

// Healthy says whether there are servers and all of them answer.
func (s State) Healthy(ctx context.Context) bool {
	report := s.Check(ctx)
	return len(report) > 0 && !slices.ContainsFunc(report, func(h Health) bool { return h.Problem != "" })
}
