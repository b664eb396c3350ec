package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// clientOfFairness is the process that appends small and big records.
const clientOfFairness = "client of fairness"

// What it is asked for.
const (
	askSmall = "append small records, one after another or by a schedule"
	askBig   = "have a big record always under way"
	askNoBig = "append no more big records, and tell all that was appended"
)

// startFair starts a worker in this process, and a client of it in one of its own.
func startFair(ctx context.Context, s *servers) (*answering, error) {
	name := moduleName("BenchFair")
	return s.answerer(ctx, &fanning{name: name}, "jobs", true, role{Does: clientOfFairness, Module: name})
}

// fairClient appends small and big records, and keeps account of what is to be counted.
type fairClient struct {
	connections
	m      *fanning
	client *client.Client

	mu   sync.Mutex
	fold map[string]int64

	stop  context.CancelFunc // of the big records; nil: none come
	ended chan error
	bigs  int
}

func openFairClient(ctx context.Context, p role) (orders, error) {
	c, err := connectTo(ctx, p)
	if err != nil {
		return nil, err
	}
	f := &fairClient{connections: c, m: &fanning{name: p.Module}, fold: map[string]int64{}}
	f.client, err = client.New(client.Config{Log: c.log, Store: c.store, Network: grpctransport.New(grpctransport.Config{})})
	if err == nil {
		err = f.client.Use(ctx, f.m)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *fairClient) close() error {
	err := f.noBig()
	if f.client != nil {
		err = errors.Join(err, f.client.Close())
	}
	return errors.Join(err, f.connections.close())
}

func (f *fairClient) order(ctx context.Context, o order) (out *answer, err error) {
	out = &answer{}
	switch {
	case o.Ask == askBig:
		f.haveBig(ctx)
	case o.Ask == askNoBig:
		err = f.noBig()
		out.Fold = f.all()
	case o.Ask == askSmall && o.Rate > 0:
		out.Samples, out.Late, out.Took, err = schedule(ctx, o.Rate, o.Length, f.small)
	case o.Ask == askSmall:
		out.Samples, out.Took, err = drive(1, o.Each, func(_, i int) error { return f.small(ctx, i) })
	default:
		err = fmt.Errorf("nobody here can %q", o.Ask)
	}
	return out, err
}

// small appends a small record and waits for its answer.
func (f *fairClient) small(ctx context.Context, i int) error {
	f.mu.Lock()
	f.fold[smallKey(i)]++
	f.mu.Unlock()
	_, err := f.m.Jobs.Append(ctx, f.client, smallKey(i))
	return err
}

// haveBig has a big record always under way, until noBig.
func (f *fairClient) haveBig(ctx context.Context) {
	ending, stop := context.WithCancel(ctx)
	f.stop, f.ended = stop, make(chan error, 1)
	go func() {
		var err error
		for ; ending.Err() == nil && err == nil; f.bigs++ {
			_, err = f.m.Jobs.Append(ctx, f.client, bigKey(f.bigs))
		}
		f.ended <- err
	}()
}

// noBig waits for the last of the big records, if any come.
func (f *fairClient) noBig() error {
	if f.stop == nil {
		return nil
	}
	f.stop()
	f.stop = nil
	return <-f.ended
}

// all is what is to be counted of what was appended.
func (f *fairClient) all() map[string]int64 {
	for i := range min(f.bigs, 1) * 1000 {
		f.fold["of-big-"+strconv.Itoa(i)] = int64(f.bigs * bigEvents / 1000)
	}
	return f.fold
}
