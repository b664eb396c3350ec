package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spanpb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/coppice-run/coppice/examples/service"
)

// collector takes OTLP over HTTP.
type collector struct {
	mu      sync.Mutex
	spans   []*spanpb.Span
	metrics map[string]bool
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var traces tracepb.ExportTraceServiceRequest
	var metrics metricspb.ExportMetricsServiceRequest
	switch r.URL.Path {
	case "/v1/traces":
		err = proto.Unmarshal(raw, &traces)
	case "/v1/metrics":
		err = proto.Unmarshal(raw, &metrics)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range traces.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	for _, of := range metrics.ResourceMetrics {
		for _, scope := range of.ScopeMetrics {
			for _, m := range scope.Metrics {
				c.metrics[m.Name] = true
			}
		}
	}
}

// The program sends what it promises: a request within a sampled trace has spans of kotel and
// redisotel and a batch that links to its event, though only one record in 1,000 is sampled
// besides; and metrics of tasks, of Kafka's and of Redis' clients come by OTLP.
func TestTheCollectorGetsAll(t *testing.T) {
	c := &collector{metrics: map[string]bool{}}
	server := httptest.NewServer(c)
	defer server.Close()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close() // the program takes addresses, not listeners
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "COPPICE_KAFKA": strings.Join(broker.ListenAddrs(), ","), "COPPICE_REDIS": miniredis.RunT(t).Addr(),
		"COPPICE_LISTEN": "127.0.0.1:0", "HTTP_LISTEN": address, "TASKS": "2",
	} {
		t.Setenv(name, value)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, nil) }()
	for service.Command(ctx, []string{"health"}, service.Telemetry{}) != nil {
		select {
		case err := <-ended:
			t.Fatalf("the service ended: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/sentences", strings.NewReader("to be or not to be"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%+v, %v", answer, err)
	}
	answer.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the service ended with %v", err)
	}
	c.check(t)
}

func (c *collector) check(t *testing.T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	linked := false
	var names []string
	for _, s := range c.spans {
		names = append(names, s.Name)
		for _, l := range s.Links {
			linked = linked || s.Name == "batch" && fmt.Sprintf("%x", l.TraceId) == "0123456789abcdef0123456789abcdef"
		}
	}
	if !linked {
		t.Errorf("no batch links to the event of the request; there are %q", names)
	}
	for _, want := range []string{"append", "publish", "redis.pipeline"} {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, want) }) {
			t.Errorf("no span %s; there are %q", want, names)
		}
	}
	for _, want := range []string{"coppice.batch.", "messaging.kafka.", "db.client.connections."} {
		found := false
		for name := range c.metrics {
			found = found || strings.HasPrefix(name, want)
		}
		if !found {
			t.Errorf("no metric %s came; there are %v", want, c.metrics)
		}
	}
}
