package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	engine "github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// What processes of an overload do.
const (
	workerOfOverload = "worker of an overload"
	clientOfOverload = "client of an overload"
)

// What they are asked for.
const (
	askForget = "forget the most memory so far"
	askMemory = "tell the most memory since"
	askTop    = "append one after another"
	askPress  = "append by a schedule"
	askLast   = "append once more of each key"
)

// burdened counts records whose handler takes long: so two processors can offer far more than
// is done.
type burdened struct {
	name   string
	Jobs   module.Depot[string]
	Counts pstate.Map[string, int64]
}

// burdenedRecord is a record of a key, with something that takes memory and does not compress: a
// part of some letters, each time another one.
func burdenedRecord(key string) string {
	n := overloadBytes - len(key) - 1
	at := rand.IntN(len(burden()) - n)
	return key + " " + burden()[at:at+n]
}

// burden is far longer than what a compressor remembers, so that records of one batch have no part
// of it in common for long.
var burden = sync.OnceValue(func() string {
	return letters(rand.New(rand.NewPCG(5, 6)), 8<<20)
})

func burdenedKey(record string) string {
	key, _, _ := strings.Cut(record, " ")
	return key
}

func (m *burdened) ModuleName() string { return m.name }

func (m *burdened) Define(b *module.Builder) {
	module.HashDepot(b, &m.Jobs, "jobs", burdenedKey, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Jobs, func(ev *module.Event, v string) error {
		time.Sleep(overloadTakes)
		agg.Inc(ev, m.Counts.Key(burdenedKey(v)))
		return nil
	})
}

// loadedWorker is a worker alone in its process, so that the memory of the process is its own.
type loadedWorker struct {
	connections
	worker *worker.Worker
}

func openLoadedWorker(ctx context.Context, p role) (orders, error) {
	c, err := connectTo(ctx, p)
	if err != nil {
		return nil, err
	}
	w, err := worker.Start(ctx, worker.Config{
		Log: c.log, Store: c.store, Network: grpctransport.New(grpctransport.Config{}), Tasks: tasks, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Options: engine.Options{MaxExecutingPerTask: overloadWindow, MaxEventsPerBatch: overloadBatch, DepotCacheCardinality: overloadCache},
	}, &burdened{name: p.Module})
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return &loadedWorker{c, w}, nil
}

func (w *loadedWorker) order(_ context.Context, o order) (*answer, error) {
	if o.Ask == askForget {
		forgetPeak()
	}
	return &answer{ResidentMB: peakResident()}, nil
}

func (w *loadedWorker) close() error {
	return errors.Join(w.worker.Stop(context.Background()), w.connections.close())
}

// loadingClient appends more than is done, and keeps account of what becomes of it.
type loadingClient struct {
	connections
	m      *burdened
	client *client.Client

	mu    sync.Mutex
	fold  map[string]int64 // records that are in the depot
	maybe map[string]int64 // records of which that is not known
	tally tally
}

// tally counts what became of appends.
type tally struct {
	Acked, Throttled, Unknown int
	Meanwhile                 int // of the acked: while the load was on
}

func openLoadingClient(ctx context.Context, p role) (orders, error) {
	c, err := connectTo(ctx, p)
	if err != nil {
		return nil, err
	}
	l := &loadingClient{connections: c, m: &burdened{name: p.Module}, fold: map[string]int64{}, maybe: map[string]int64{}}
	l.client, err = client.New(client.Config{Log: c.log, Store: c.store, Network: grpctransport.New(grpctransport.Config{}), AwaitTimeout: overloadPatience})
	if err == nil {
		err = l.client.Use(ctx, l.m)
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *loadingClient) close() error {
	var err error
	if l.client != nil {
		err = l.client.Close()
	}
	return errors.Join(err, l.connections.close())
}

func (l *loadingClient) order(ctx context.Context, o order) (*answer, error) {
	l.tally = tally{}
	out := &answer{}
	var err error
	switch o.Ask {
	case askTop:
		err = l.top(ctx, o, out)
	case askPress:
		err = l.press(ctx, o, out)
	case askLast:
		_, _, err = drive(o.Appenders, 1, func(a, _ int) error { return l.last(ctx, appenderKey(a)) })
	default:
		err = fmt.Errorf("nobody here can %q", o.Ask)
	}
	out.Fold, out.Maybe, out.Tally = l.fold, l.maybe, l.tally
	return out, err
}

// top finds the rate that so many appenders reach who wait for their answers.
func (l *loadingClient) top(ctx context.Context, o order, out *answer) error {
	begin := time.Now()
	var group sync.WaitGroup
	errs := make([]error, o.Appenders)
	for a := range o.Appenders {
		group.Go(func() {
			for time.Since(begin) < o.Length && errs[a] == nil {
				errs[a] = l.answered(l.append(ctx, appenderKey(a)))
			}
		})
	}
	group.Wait()
	out.Took = time.Since(begin)
	return errors.Join(errs...)
}

// press appends at a rate, whatever becomes of it. The samples are of what was acked.
func (l *loadingClient) press(ctx context.Context, o order, out *answer) error {
	acked := make([]bool, int(o.Rate*o.Length.Seconds()))
	samples, late, took, err := schedule(ctx, o.Rate, o.Length, func(ctx context.Context, i int) (err error) {
		acked[i], err = l.append(ctx, appenderKey(i%openKeys))
		return err
	})
	if err != nil {
		return err
	}
	for i, ok := range acked {
		if !ok {
			continue
		}
		out.Samples = append(out.Samples, samples[i])
		if due := time.Duration(float64(i) / o.Rate * float64(time.Second)); due+samples[i] <= took {
			l.tally.Meanwhile++
		}
	}
	out.Late, out.Took = late, took
	return nil
}

// answered is for appends that nobody should shed.
func (l *loadingClient) answered(acked bool, err error) error {
	if err == nil && !acked {
		err = errors.New("an append was shed although few wait")
	}
	return err
}

// last appends a record and waits until it is done, however much is before it.
func (l *loadingClient) last(ctx context.Context, key string) error {
	_, err := l.m.Jobs.Append(ctx, l.client, burdenedRecord(key))
	var throttled *client.ThrottledError
	for errors.As(err, &throttled) {
		select {
		case <-time.After(lastPause):
			_, err = l.client.Await(ctx, throttled.Place)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil {
		l.mu.Lock()
		l.fold[key]++
		l.mu.Unlock()
	}
	return err
}

// lastPause is how long one waits until one asks again for a record that has not begun.
const lastPause = 50 * time.Millisecond

// append appends a record and notes what becomes of it: an error is what nobody expects of
// an overload.
func (l *loadingClient) append(ctx context.Context, key string) (acked bool, err error) {
	_, err = l.m.Jobs.Append(ctx, l.client, burdenedRecord(key))
	l.mu.Lock()
	defer l.mu.Unlock()
	var unknown *client.UnknownError
	switch {
	case err == nil:
		l.fold[key]++
		l.tally.Acked++
		return true, nil
	case errors.Is(err, client.ErrThrottled): // it is in the depot
		l.fold[key]++
		l.tally.Throttled++
		return false, nil
	case errors.As(err, &unknown) && ctx.Err() == nil:
		if l.tally.Unknown++; unknown.Place.Offset >= 0 {
			l.fold[key]++
		} else {
			l.maybe[key]++
		}
		return false, nil
	}
	return false, err
}
