package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/worker"
)

// live is a module that runs in this process, with a client of it.
type live struct {
	s      *servers
	name   string
	depots []string
	worker *worker.Worker
	client *client.Client
}

// launch starts a module with no data and a client that may use it.
func (s *servers) launch(ctx context.Context, m module.Module, name string, depots ...string) (*live, error) {
	l := &live{s: s, name: name, depots: depots}
	network := memtransport.New()
	var err error
	l.worker, err = worker.Start(ctx, worker.Config{
		Log: s.log, Store: s.store, Network: network, Tasks: tasks, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}, m)
	if err != nil {
		return nil, err
	}
	if l.client, err = client.New(client.Config{Log: s.log, Store: s.store, Network: network}); err != nil {
		l.end(ctx)
		return nil, err
	}
	if err := l.client.Use(ctx, m); err != nil {
		l.end(ctx)
		return nil, err
	}
	return l, nil
}

// end stops the module and removes what it left.
func (l *live) end(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if l.client != nil {
		_ = l.client.Close()
	}
	_ = l.worker.Stop(ctx)
	_ = l.s.wipe(ctx, l.name)
	topics := []string{depot.TopicName(l.name, "__meta")}
	for _, d := range l.depots {
		topics = append(topics, depot.TopicName(l.name, d))
	}
	l.s.dropTopics(ctx, topics...)
}
