package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"
)

// collectorFlag, alone, makes this program a collector that throws away what it gets.
const collectorFlag = "-collector"

// collected is what a collector got.
type collected struct{ Requests, Bytes int64 }

// collector is a process of its own: what it does is not counted as the worker's. It ends when
// its input ends: with close, and with this process, however that ends.
type collector struct {
	url   string
	close func() (collected, error)
}

// collectorEnds is how long it may take to end by itself.
const collectorEnds = 10 * time.Second

// startCollector starts the process, and returns when it listens.
func startCollector(ctx context.Context) (*collector, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(executable, collectorFlag)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	said := json.NewDecoder(out)
	c := &collector{close: sync.OnceValues(func() (got collected, err error) {
		_ = in.Close()
		late := time.AfterFunc(collectorEnds, func() { _ = command.Process.Kill() })
		defer late.Stop()
		err = said.Decode(&got)
		if err = errors.Join(err, command.Wait()); err != nil {
			err = fmt.Errorf("the collector, process %d: %w", command.Process.Pid, err)
		}
		return got, err
	})}
	defer context.AfterFunc(ctx, func() { _ = command.Process.Kill() })()
	if err := said.Decode(&c.url); err != nil {
		_, ended := c.close()
		return nil, errors.Join(err, ended)
	}
	return c, nil
}

// beCollector is what main does in that process: it writes where it listens, and when its input
// has ended what it got.
func beCollector(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt) // a terminal tells both processes, and the other one has something to send yet
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	said := json.NewEncoder(out)
	if err := said.Encode("http://" + l.Addr().String()); err != nil {
		return err
	}
	var requests, bytes atomic.Int64
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			requests.Add(1)
			bytes.Add(n)
			w.Header().Set("Content-Type", "application/x-protobuf")
		}))
	}()
	_, _ = io.Copy(io.Discard, in)
	return said.Encode(collected{requests.Load(), bytes.Load()})
}
