// Package service is an HTTP service that embeds a worker: one process that takes
// requests, appends them, and runs tasks of the module that processes them. It shows
//
//   - one OpenTelemetry provider for requests, appends, events and commits: a request is one
//     trace through all of them;
//   - metrics of its tasks, on the provider that the program has, and /metrics for Prometheus;
//   - health: /health/live answers while the process serves, /health/ready while the tasks
//     that it owns run and move;
//   - an end in good order: it tells that it is not ready, ends its requests, and passes its
//     tasks on before it is gone.
//
// Start several: they share the tasks.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/examples/service/leave"
	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/worker"
)

// Config says what the service runs on. All but Logger, DrainFor and, of the telemetry, what
// Telemetry says are required.
type Config struct {
	Log         depot.Log
	Store       store.Store
	Network     transport.Network
	Nominations nomination.Group
	// Worker is where other workers reach this one; empty: a free port of this machine.
	Worker string
	// Listener takes the requests; Run closes it.
	Listener net.Listener
	Telemetry
	Tasks  int // of a module that is launched for the first time
	Logger *slog.Logger
	// DrainFor is how long the service goes on serving after it has said that it is not
	// ready, so that whoever sends requests hears of it. Default 0.
	DrainFor time.Duration
}

// Telemetry is what the program has of OpenTelemetry anyway.
type Telemetry struct {
	Tracing trace.TracerProvider
	// Wires attaches what listens to the library's parts: *export.Telemetry of telemetry/export
	// does. Default: Tracing has the spans of appends and tasks, and nothing is counted.
	Wires Wires
	// Scrape answers Prometheus at /metrics. Default: nothing is there.
	Scrape http.Handler
}

// Wires changes configurations so that telemetry hears of what they make.
type Wires interface {
	Kafka(*kafkadepot.Config)
	Redis(*redisstate.Config)
	Worker(*worker.Config)
	Client(*client.Config)
}

// Times within which requests come and end.
const (
	requestTimeout  = 10 * time.Second
	shutdownTimeout = 10 * time.Second // of requests under way
	handOverTimeout = 10 * time.Second // of tasks, behind that
	healthTimeout   = time.Second
)

// service is one that runs.
type service struct {
	config Config
	words  *wordcount.Words
	worker *worker.Worker
	client *client.Client
	tracer trace.Tracer
	ending context.Context // ends when the service is told to
}

// Run serves until ctx ends, and ends in good order. It returns nil then.
func Run(ctx context.Context, config Config) (err error) {
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	defer config.Listener.Close()
	s := &service{config: config, words: &wordcount.Words{}, tracer: config.Tracing.Tracer("service"), ending: ctx}
	own := worker.Config{
		Log: config.Log, Store: config.Store, Network: config.Network, Nominations: config.Nominations,
		Address: config.Worker, Tasks: config.Tasks, Logger: config.Logger,
	}
	appends := client.Config{Log: config.Log, Store: config.Store, Network: config.Network}
	if config.Wires != nil {
		config.Wires.Worker(&own)
		config.Wires.Client(&appends)
	} else {
		own.Listener, appends.Tracing = telemetry.Listener(config.Tracing), config.Tracing
	}
	s.worker, err = worker.Start(ctx, own, s.words)
	if err != nil {
		return err
	}
	defer s.worker.Abort()
	s.client, err = client.New(appends)
	if err != nil {
		return err
	}
	defer s.client.Close()
	if err := s.client.Use(ctx, s.words); err != nil {
		return err
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, IdleTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(config.Listener) }()
	config.Logger.Info("serving", "address", config.Listener.Addr(), "worker", s.worker.Address())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	return s.end(context.WithoutCancel(ctx), server, ended)
}

// end ends in this order: no more requests come, those under way are answered, and the
// tasks pass to others.
func (s *service) end(ctx context.Context, server *http.Server, ended <-chan error) error {
	s.config.Logger.Info("leaving")
	drain := time.NewTimer(s.config.DrainFor)
	defer drain.Stop()
	<-drain.C
	err := leave.InOrder(ctx, leave.Step{Timeout: shutdownTimeout, Do: server.Shutdown}, leave.Step{Timeout: handOverTimeout, Do: s.worker.Stop})
	<-ended
	return err
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sentences", s.traced("append", s.appendSentence))
	mux.HandleFunc("GET /words/{word}", s.traced("count", s.count))
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /health/ready", s.ready)
	if s.config.Scrape != nil {
		mux.Handle("GET /metrics", s.config.Scrape)
	}
	return mux
}

// traced begins the request's span, below the one that the caller has sent along.
func (s *service) traced(name string, serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		ctx, span := s.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		if err := serve(w, r.WithContext(ctx)); err != nil {
			span.RecordError(err)
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

// sentenceBytesMax bounds what a request may carry.
const sentenceBytesMax = 64 << 10

func (s *service) appendSentence(w http.ResponseWriter, r *http.Request) error {
	text, err := readAll(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return nil
	}
	acks, err := s.words.Sentences.Append(r.Context(), s.client, text)
	if err != nil {
		return err
	}
	total, _ := s.words.Total.From(acks)
	fmt.Fprintln(w, total)
	return nil
}

func (s *service) count(w http.ResponseWriter, r *http.Request) error {
	n, err := s.words.Counts.Key(r.PathValue("word")).Get(s.client.At(r.Context()))
	if err != nil {
		return err
	}
	fmt.Fprintln(w, n)
	return nil
}

// ready answers 200 while requests may come here.
func (s *service) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	err := s.worker.Health(ctx).Ready()
	if s.ending.Err() != nil {
		err = errors.Join(errors.New("the service is leaving"), err)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
