package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// Place is what a command runs on.
type Place struct {
	Servers stack.State
	Logs    string // folder of the workers' logs
}

// On starts Kafka and Redis, has a command run on them until it returns or the process is told
// to end, and ends them. They and the logs are kept in folder; where it is "", in a temporary
// one with the command's name, which goes at the end.
func On(command, folder string, run func(ctx context.Context, at Place) error) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if folder == "" {
		if folder, err = os.MkdirTemp("", "coppice-"+command+"-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	servers, err := stack.Up(ctx, stack.Config{Folder: folder, Parts: stack.Parts{Kafka: true, Redis: true}, EndWithCaller: true, Progress: func(line string) { fmt.Println(line) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Down(context.Background(), folder, false)) }()
	logs := filepath.Join(folder, "workers")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	return run(ctx, Place{servers, logs})
}

// Client opens a client. Call release when it is done.
func (p Place) Client(ctx context.Context) (c *client.Client, release func(), err error) {
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{p.Servers.Kafka()}})
	if err != nil {
		return nil, nil, err
	}
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{p.Servers.Redis()}})
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	c, err = client.New(client.Config{Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{})})
	if err != nil {
		return nil, nil, errors.Join(err, state.Close(), log.Close())
	}
	return c, func() { _ = errors.Join(c.Close(), state.Close(), log.Close()) }, nil
}
