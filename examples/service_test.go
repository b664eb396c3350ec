package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/depot/memdepot"
	"github.com/coppice-run/coppice/examples/service"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// names is a provider that keeps the names of spans, and the trace of each.
type names struct {
	embedded.TracerProvider
	mu    sync.Mutex
	spans map[string]trace.TraceID
}

func (n *names) Tracer(string, ...trace.TracerOption) trace.Tracer { return &tracer{provider: n} }

type tracer struct {
	embedded.Tracer
	provider *names
}

func (t *tracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	above := trace.SpanContextFromContext(ctx)
	config := trace.SpanContextConfig{TraceID: above.TraceID(), SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled}
	t.provider.mu.Lock()
	t.provider.spans[name] = above.TraceID()
	t.provider.mu.Unlock()
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(config))
	_, span := noop.NewTracerProvider().Tracer("").Start(ctx, name)
	return ctx, span
}

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// The service answers what its worker computed, in one trace with it, says whether it is
// ready, and ends in good order.
func TestService(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	spans := &names{spans: map[string]trace.TraceID{}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	log := memdepot.New(nil)
	go func() {
		ended <- service.Run(ctx, service.Config{
			Log: log, Store: memstore.New(), Network: memtransport.New(), Nominations: nomination.Alone{},
			Listener: listener, Tasks: 4, Telemetry: service.Telemetry{Tracing: spans}, Logger: slog.New(slog.DiscardHandler),
		})
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ask := func(method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+listener.Addr().String()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Traceparent", parent)
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, strings.TrimSpace(string(text))
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/health/live", "", "alive"}, {"GET", "/health/ready", "", "ready"},
		{"POST", "/sentences", "to be or not to be", "6"}, {"GET", "/words/be", "", "2"},
	} {
		if status, text := ask(c.method, c.path, c.body); status != http.StatusOK || text != c.want {
			t.Errorf("%s %s: %d %q, want %q", c.method, c.path, status, text, c.want)
		}
	}
	if status, _ := ask("POST", "/sentences", strings.Repeat("x", 1<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a sentence that is too large: %d", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the service ended with %v", err)
	}
	spans.mu.Lock()
	defer spans.mu.Unlock()
	request, known := spans.spans["append"]
	if event := spans.spans["process Words.sentences"]; !known || event != request || request.String() != parent[3:35] {
		t.Errorf("the spans are in traces %v: want those of the request, the append and the event in %s", spans.spans, parent[3:35])
	}
}
