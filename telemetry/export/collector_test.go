package export_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	spanpb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes OTLP over HTTP and keeps what comes.
type collector struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	spans   []*spanpb.Span
	metrics map[string]bool
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, metrics: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		var in tracepb.ExportTraceServiceRequest
		if !c.read(w, r, &in) {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range in.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		c.answer(w, &tracepb.ExportTraceServiceResponse{})
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		var in metricspb.ExportMetricsServiceRequest
		if !c.read(w, r, &in) {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range in.ResourceMetrics {
			for _, scope := range resource.ScopeMetrics {
				for _, m := range scope.Metrics {
					c.metrics[m.Name] = true
				}
			}
		}
		c.answer(w, &metricspb.ExportMetricsServiceResponse{})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) read(w http.ResponseWriter, r *http.Request, into proto.Message) bool {
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(raw, into)
	}
	if err != nil {
		c.t.Errorf("%s: %v", r.URL.Path, err)
		w.WriteHeader(http.StatusBadRequest)
	}
	return err == nil
}

func (c *collector) answer(w http.ResponseWriter, m proto.Message) {
	raw, err := proto.Marshal(m)
	if err != nil {
		c.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(raw)
}

// named are the spans whose names begin so.
func (c *collector) named(prefix string) (some []*spanpb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if strings.HasPrefix(s.Name, prefix) {
			some = append(some, s)
		}
	}
	return some
}

// only is the one span whose name begins so.
func (c *collector) only(prefix string) *spanpb.Span {
	c.t.Helper()
	some := c.named(prefix)
	if len(some) != 1 {
		c.t.Fatalf("%d spans %q, want one; there are\n%s", len(some), prefix, c)
	}
	return some[0]
}

// byID finds a span.
func (c *collector) byID(id []byte) *spanpb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if string(s.SpanId) == string(id) {
			return s
		}
	}
	return nil
}

// below reports whether a span's parent is the other one.
func (c *collector) below(child, parent *spanpb.Span) {
	c.t.Helper()
	if string(child.ParentSpanId) != string(parent.SpanId) || string(child.TraceId) != string(parent.TraceId) {
		c.t.Errorf("the parent of %q is %v, want %q; there are\n%s", child.Name, c.byID(child.ParentSpanId).GetName(), parent.Name, c)
	}
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []string
	for _, s := range c.spans {
		lines = append(lines, fmt.Sprintf("%x %x < %x %s %v", s.TraceId[:4], s.SpanId[:4], s.ParentSpanId, s.Name, s.Status))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// value is an attribute of a span as text; "" if it has none.
func value(s *spanpb.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key != key {
			continue
		}
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			return v.StringValue
		case *commonpb.AnyValue_IntValue:
			return fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			return fmt.Sprint(v.BoolValue)
		case *commonpb.AnyValue_DoubleValue:
			return fmt.Sprint(v.DoubleValue)
		}
		return fmt.Sprint(a.Value)
	}
	return ""
}
