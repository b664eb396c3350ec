package telemetry

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// MetricNames lists the metrics, by their names in OpenTelemetry.
func MetricNames() (names []string) {
	for i := range metrics {
		names = append(names, metrics[i].Name)
	}
	return names
}

// Reference describes all spans and metrics, in Markdown: docs/reference/telemetry.md.
func Reference() string {
	var out strings.Builder
	out.WriteString("# Spans and metrics\n\nWritten from the code by `COPPICE_UPDATE=1 go test ./telemetry`; do not edit it.\n" +
		"[The runbook](../runbook.md) says what to do about them.\n\n" +
		"The names are those of OpenTelemetry. Prometheus has underscores for the points, `_total` behind counters, and the unit behind\n" +
		"the name: `coppice.commit.duration` is `coppice_commit_duration_seconds`, `coppice.events` is `coppice_events_total`.\n" +
		"Counters begin at nothing with each owner of a task.\n\n## Metrics\n\n| metric | kind | unit | attributes | |\n|---|---|---|---|---|\n")
	for i := range metrics {
		d := &metrics[i]
		out.WriteString("| `" + d.Name + "` | " + d.kind.String() + " | " + d.Unit + " | " + keys(d.Attributes) + " | " + d.Help + " |\n")
	}
	out.WriteString("\n## Spans\n\nThe spans of a record form one trace. Its context comes with the record, in the headers `traceparent` and `tracestate`\n" +
		"(W3C); a record without one has a trace id that its module, depot, partition and offset give. Events that hop carry the context on.\n" +
		"Where the table names the append's span as the parent and the record was appended by another program, it is the span of that program.\n\n" +
		"| span | kind | parent | | attributes |\n|---|---|---|---|---|\n")
	for _, d := range spanDocs {
		out.WriteString("| `" + d.Name + "` | " + d.Kind + " | " + d.Parent + " | " + d.Help + " | " + keys(d.Attributes) + " |\n")
	}
	out.WriteString("\n## Attributes\n\nBeside those of OpenTelemetry's semantic conventions.\n\n| attribute | |\n|---|---|\n")
	for _, k := range keyHelp {
		out.WriteString("| `" + string(k.Key) + "` | " + k.Help + " |\n")
	}
	return out.String()
}

func keys(all []attribute.Key) string {
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = "`" + string(k) + "`"
	}
	return strings.Join(names, ", ")
}

// SpanAttributes are the attributes that the reference lists for a span; nil if it has no
// such span.
func SpanAttributes(name string) []attribute.Key {
	first, _, _ := strings.Cut(name, " ")
	for _, d := range spanDocs {
		if begin, _, _ := strings.Cut(d.Name, " "); begin == first {
			return d.Attributes
		}
	}
	return nil
}

// PrometheusNames lists the metrics by the names that Prometheus has for them: of
// histograms that of the buckets, the sum and the count.
func PrometheusNames() (names []string) {
	units := map[string]string{"s": "_seconds", "By": "_bytes"}
	for i := range metrics {
		d := &metrics[i]
		name := strings.ReplaceAll(d.Name, ".", "_")
		if suffix := units[d.Unit]; !strings.HasSuffix(name, suffix) {
			name += suffix
		}
		switch d.kind {
		case counter:
			names = append(names, name+"_total")
		case gauge:
			names = append(names, name)
		default:
			names = append(names, name+"_bucket", name+"_sum", name+"_count")
		}
	}
	return names
}
