package export_test

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/telemetry/export"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// relay sends a record over two hops, and counts it at the end. It fails as often as said,
// and is parked after so many attempts; 0: after the usual number.
type relay struct {
	Lines    module.Depot[string]
	Counts   pstate.Map[string, int64]
	fails    int
	attempts int

	first, second module.Step[string]
}

func (m *relay) ModuleName() string { return "Relay" }

func (m *relay) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, "lines", module.Text())
	s := b.Stream("relay")
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.first, "first", module.ByHash(func(l string) string { return l }), func(ev *module.Event, l string) error {
		m.second.Send(ev, l)
		return nil
	})
	module.DeclareStep(s, &m.second, "second", module.At(&m.Counts, func(l string) string { return l }), func(ev *module.Event, l string) error {
		if ev.Attempt() <= m.fails {
			return fmt.Errorf("no luck at attempt %d", ev.Attempt())
		}
		agg.Inc(ev, m.Counts.Key(l))
		return nil
	})
	module.DeclareSource(s, m.Lines, func(ev *module.Event, l string) error {
		m.first.Send(ev, l)
		return nil
	}, module.MaxAttempts(cmp.Or(m.attempts, module.AttemptsDefault)))
}

// rig is a worker and a client, with servers in this process that others reach, whose spans and metrics go out.
type rig struct {
	t         *testing.T
	telemetry *export.Telemetry
	worker    *worker.Worker
	client    *client.Client
	kafka     string // addresses, for other programs
	redis     string
}

func start(t *testing.T, config export.Config, traced bool, listener *runtime.Listener, m module.Module) *rig {
	t.Helper()
	ctx := t.Context()
	out, err := export.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Stop(context.Background()) })
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	kafka := kafkadepot.Config{Brokers: broker.ListenAddrs()}
	out.Kafka(&kafka)
	log, err := kafkadepot.Open(ctx, kafka)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	server := miniredis.RunT(t)
	redis := redisstate.Config{Addresses: []string{server.Addr()}}
	out.Redis(&redis)
	state, err := redisstate.Open(ctx, redis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	network := grpctransport.New(grpctransport.Config{})
	w := worker.Config{Log: log, Store: state, Network: network, Tasks: 3, EncodeHops: true, Listener: listener}
	out.Worker(&w)
	r := &rig{t: t, telemetry: out, kafka: strings.Join(broker.ListenAddrs(), ","), redis: server.Addr()}
	if r.worker, err = worker.Start(ctx, w, m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.worker.Stop(context.Background()) })
	c := client.Config{Log: log, Store: state, Network: network}
	if traced {
		out.Client(&c)
	}
	if r.client, err = client.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.client.Close() })
	if err := r.client.Use(ctx, m); err != nil {
		t.Fatal(err)
	}
	return r
}

// flush ends the worker, so that all its spans are over, and sends them.
func (r *rig) flush() {
	r.t.Helper()
	if err := r.worker.Stop(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := r.telemetry.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}
