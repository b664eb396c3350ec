package main

import (
	"context"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
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
