package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
)

// childVariable makes this program a child of a measurement: it has its role as JSON.
const childVariable = "COPPICE_BENCH_ROLE"

// role says what a process of its own does for a measurement.
type role struct {
	Does         string // of roles
	Kafka, Redis string
	Module       string
	Topic        string
	Batch        int // events of a transaction at most
	Hops         bool
	Replies      string     // where the floor's loop answers
	hooks        []kgo.Hook // in this process
}

// roles open what takes orders, by what it does.
var roles = map[string]func(context.Context, role) (orders, error){
	clientOfOurs:     newOursClient,
	clientOfFloor:    newFloorClient,
	counterOfOurs:    newOursCounter,
	counterOfHand:    newHandCounter,
	workerOfOverload: openLoadedWorker,
	clientOfOverload: openLoadingClient,
	clientOfFairness: openFairClient,
	spinner:          startSpinning,
}

// orders is who takes orders: in this process, or in another one by a child.
type orders interface {
	order(ctx context.Context, o order) (*answer, error)
	close() error
}

// child is a process of this program that takes orders. It ends when its input ends: with
// close, and with this process, however that ends.
type child struct {
	command *exec.Cmd
	in      io.WriteCloser
	encoder *json.Encoder
	decoder *json.Decoder
}

// connections are those of a child to the servers.
type connections struct {
	log   *kafkadepot.Log
	store *redisstate.Store
}

func connectTo(ctx context.Context, p role) (c connections, err error) {
	if c.log, err = kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{p.Kafka}, Hooks: p.hooks}); err != nil {
		return c, err
	}
	if c.store, err = redisstate.Open(ctx, redisstate.Config{Addresses: []string{p.Redis}}); err != nil {
		err = errors.Join(err, c.log.Close())
	}
	return c, err
}

func (c connections) close() error { return errors.Join(c.log.Close(), c.store.Close()) }

// childEnds is how long a child may take to end by itself.
const childEnds = 10 * time.Second

// startChild starts a process and returns when it is ready for orders.
func startChild(ctx context.Context, p role) (*child, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	what, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	c := &child{command: exec.Command(executable)}
	c.command.Env = append(os.Environ(), childVariable+"="+string(what))
	c.command.Stderr = os.Stderr
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.in, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	c.encoder, c.decoder = json.NewEncoder(c.in), json.NewDecoder(out)
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	if _, err := c.answer(ctx); err != nil { // that it is ready
		return nil, errors.Join(fmt.Errorf("%s, a process of its own: %w", p.Does, err), c.close())
	}
	return c, nil
}

// order asks for something and waits for the answer; one order at a time.
func (c *child) order(ctx context.Context, o order) (*answer, error) {
	if err := c.encoder.Encode(o); err != nil {
		return nil, fmt.Errorf("process %d: %w", c.command.Process.Pid, err)
	}
	return c.answer(ctx)
}

func (c *child) answer(ctx context.Context) (*answer, error) {
	defer context.AfterFunc(ctx, func() { _ = c.command.Process.Kill() })() // what it is at is of no use
	a := &answer{}
	if err := c.decoder.Decode(a); err != nil {
		return nil, errors.Join(fmt.Errorf("process %d has ended: %w", c.command.Process.Pid, err), context.Cause(ctx))
	}
	switch {
	case a.Retried:
		return nil, fmt.Errorf("process %d: %w: %s", c.command.Process.Pid, errRetried, a.Err)
	case a.Err != "":
		return nil, fmt.Errorf("process %d: %s", c.command.Process.Pid, a.Err)
	}
	return a, nil
}

// close ends the process, and waits until it is gone.
func (c *child) close() error {
	_ = c.in.Close()
	late := time.AfterFunc(childEnds, func() { _ = c.command.Process.Kill() })
	defer late.Stop()
	if err := c.command.Wait(); err != nil {
		return fmt.Errorf("process %d: %w", c.command.Process.Pid, err)
	}
	return nil
}

// beChild is what main does in a child. It reads orders and writes answers until there are no
// more, and drops what it is at when its input ends: then nobody waits for the answer.
func beChild(what string, in io.Reader, out io.Writer) error {
	var p role
	if err := json.Unmarshal([]byte(what), &p); err != nil {
		return fmt.Errorf("%s: %w", childVariable, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answers := json.NewEncoder(out)
	open, ok := roles[p.Does]
	if !ok {
		return answers.Encode(answer{Err: fmt.Sprintf("there is no role %q", p.Does)})
	}
	taker, err := open(ctx, p)
	if err != nil {
		return answers.Encode(answer{Err: err.Error()})
	}
	err = answers.Encode(answer{})
	asked := make(chan order)
	go func() {
		defer time.AfterFunc(childEnds, func() { os.Exit(1) }) // should what it is at not hear of it
		defer close(asked)
		defer cancel()
		for decoder := json.NewDecoder(in); ; {
			var o order
			if decoder.Decode(&o) != nil {
				return
			}
			asked <- o
		}
	}()
	for o := range asked {
		a, failure := taker.order(ctx, o)
		if failure != nil {
			a = &answer{Err: failure.Error(), Retried: errors.Is(failure, errRetried)}
		}
		err = errors.Join(err, answers.Encode(a))
	}
	return errors.Join(err, taker.close())
}
