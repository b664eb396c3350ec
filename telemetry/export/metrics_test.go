package export_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/telemetry/export"
)

type attributeKey = attribute.Key

// promise 3.49: how far a source's progress is stored, and how far it is behind, is told to
// Prometheus and by OTLP; so is everything else that the reference lists.
func TestMetricsReachPrometheusAndTheCollector(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{}
	r := start(t, export.Config{OTLP: c.url}, false, nil, m)
	if _, err := m.Lines.Append(t.Context(), r.client, "one"); err != nil {
		t.Fatal(err)
	}
	text := r.scrape()
	for _, name := range telemetry.PrometheusNames() {
		if name == "coppice_handler_running_seconds" { // none runs for long
			continue
		}
		if !strings.Contains(text, "\n"+name+"{") {
			t.Errorf("Prometheus has no %s", name)
		}
	}
	if !has(text, "coppice_records_total{", `coppice_ending="done"`, "} 1") {
		t.Errorf("no record is done:\n%s", text)
	}
	if !has(text, "coppice_records_in_flight{", `coppice_topology="relay"`, "} 0") || !has(text, "coppice_records_limit{", `coppice_topology="relay"`, "} 10000") {
		t.Errorf("the stream has no limit, or more under way than none:\n%s", text)
	}
	if !has(text, "coppice_source_end_offset{", `coppice_source="lines"`, "} 1") {
		t.Errorf("no partition has a record:\n%s", text)
	}
	if err := r.telemetry.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range telemetry.MetricNames() {
		if name != "coppice.handler.running" && !c.metrics[name] {
			t.Errorf("the collector has no %s", name)
		}
	}
}

// has reports whether a line has all of these.
func has(text string, parts ...string) bool {
next:
	for line := range strings.Lines(text) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue next
			}
		}
		return true
	}
	return false
}
