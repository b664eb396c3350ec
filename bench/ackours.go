package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// asking counts records by key and returns the count to the appender: at the root, or
// exactly once behind two hops.
type asking struct {
	name   string
	hops   bool
	Clicks module.Depot[string]
	Counts pstate.Map[string, int64]
	Count  module.Ack[int64]

	middle, last module.Step[string]
}

func (m *asking) ModuleName() string { return m.name }

func (m *asking) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(v string) string { return v }, module.Text())
	var options []module.StreamOption
	if m.hops {
		options = append(options, module.ExactlyOnce())
	}
	s := b.Stream("count", options...)
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Count, agg.Last[int64]())
	if m.hops {
		m.defineHops(s)
		return
	}
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		m.Count.Return(ev, agg.Inc(ev, m.Counts.Key(v)))
		return nil
	})
}

// defineHops counts on the task behind the record's, after a hop to the one behind
// that: the record crosses three of the tasks.
func (m *asking) defineHops(s *module.Stream) {
	module.DeclareStep(s, &m.middle, "middle", module.ByHash(func(v string) string { return v }), func(ev *module.Event, v string) error {
		m.last.SendTo(ev, (ev.Task()+1)%tasks, v)
		return nil
	})
	module.DeclareStep(s, &m.last, "last", module.Stay[string](), func(ev *module.Event, v string) error {
		m.Count.Return(ev, agg.Inc(ev, m.Counts.Key(v)))
		return nil
	})
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		m.middle.SendTo(ev, (ev.Task()+1)%tasks, v)
		return nil
	})
}

// startOurs starts a worker in this process, and a client that reaches it over gRPC.
func startOurs(ctx context.Context, s *servers, hops, apart bool) (*answering, error) {
	name := moduleName("BenchAck")
	return s.answerer(ctx, &asking{name: name, hops: hops}, "clicks", apart, role{Does: clientOfOurs, Module: name, Hops: hops, hooks: []kgo.Hook{&s.asked}})
}

// answerer starts a worker of a module with one depot in this process, and a client of it, apart or not.
func (s *servers) answerer(ctx context.Context, m module.Module, depotName string, apart bool, client role) (*answering, error) {
	client.Kafka, client.Redis = s.options.kafka, s.options.redis
	w, err := worker.Start(ctx, worker.Config{
		Log: s.log, Store: s.store, Network: grpctransport.New(grpctransport.Config{}), Tasks: tasks, Logger: slog.New(slog.DiscardHandler),
	}, m)
	if err != nil {
		return nil, err
	}
	a := &answering{
		counted: func(ctx context.Context) (map[string]int64, error) {
			return s.counted(ctx, &input{module: client.Module, tasks: tasks})
		},
		stop: func() {
			ctx := context.WithoutCancel(ctx)
			_ = w.Stop(ctx)
			_ = s.wipe(ctx, client.Module)
			s.dropTopics(ctx, depot.TopicName(client.Module, depotName), depot.TopicName(client.Module, "__meta"))
		},
	}
	if err := a.hire(ctx, apart, client); err != nil {
		return nil, a.end(ctx, err)
	}
	return a, nil
}

// oursClient appends to a module that runs elsewhere.
type oursClient struct {
	connections
	m      *asking
	client *client.Client
}

func newOursClient(ctx context.Context, p role) (orders, error) {
	o, err := openOurs(ctx, p)
	return newAckClient(o, err)
}

func openOurs(ctx context.Context, p role) (*oursClient, error) {
	c, err := connectTo(ctx, p)
	if err != nil {
		return nil, err
	}
	o := &oursClient{connections: c, m: &asking{name: p.Module, hops: p.Hops}}
	o.client, err = client.New(client.Config{Log: c.log, Store: c.store, Network: grpctransport.New(grpctransport.Config{})})
	if err == nil {
		err = o.client.Use(ctx, o.m)
	}
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

func (o *oursClient) ask(ctx context.Context, key string) (int64, error) {
	acks, err := o.m.Clicks.Append(ctx, o.client, key)
	if err != nil {
		return 0, err
	}
	n, ok := o.m.Count.From(acks)
	if !ok {
		return 0, fmt.Errorf("the answer to an append of %s has no count", key)
	}
	return n, nil
}

func (o *oursClient) close() error {
	var err error
	if o.client != nil {
		err = o.client.Close()
	}
	return errors.Join(err, o.connections.close())
}
