package worker_test

import (
	"context"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/worker"
)

var (
	ctx     context.Context
	log     depot.Log         // kafkadepot.Open
	state   store.Store       // redisstate.Open
	network transport.Network // grpctransport.New
	words   module.Module
)

// A program runs a worker until its ctx ends, and then in good order: tasks are passed on first.
func ExampleRun() {
	err := worker.Run(ctx, worker.Config{Log: log, Store: state, Network: network, Tasks: 16}, words)
	if err != nil {
		panic(err) // it did not start
	}
}

// A program that does other things besides starts one, asks how it is, and stops it.
func ExampleStart() {
	w, err := worker.Start(ctx, worker.Config{Log: log, Store: state, Network: network}, words)
	if err != nil {
		panic(err)
	}
	if err := w.Health(ctx).Ready(); err != nil {
		println("not ready:", err.Error())
	}
	if err := w.Stop(ctx); err != nil {
		panic(err)
	}
}
