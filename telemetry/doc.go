// Package telemetry turns what tasks do into OpenTelemetry spans and metrics, and keeps
// event trees for those who look at them. It uses the API of OpenTelemetry alone: which SDK
// and exporter there are is the program's business. Module telemetry/export has both.
//
//	spans := telemetry.Spans(telemetry.SpanConfig{Provider: provider})
//	worker.Run(ctx, worker.Config{…, Listener: spans}, modules…)
//	client.New(client.Config{…, Tracing: provider})
//
// One record's trace:
//
//	append <depot>                    the client, until its answer
//	├─ process <depot>                the root event on the task of the record
//	│  ├─ EXEC                        the transaction that made it visible; linked to its batch
//	│  └─ hop <step>                  from the event that sent it off to the begin of the next
//	│     └─ event <step>             that one, on any task
//	│        └─ EXEC
//	├─ failed                         an attempt that failed, with its error
//	├─ retry                          the pause until the next one
//	├─ process <depot>                … the next attempt
//	└─ tree                           until the record's tree is complete; none where it has one event alone
//
// and a trace of its own for each batch with such events: "batch", linked to them.
//
// Which records have spans: those whose appender's trace is sampled; one in
// SpanConfig.Every of those that carry no trace context; and, whatever the sampling says, each
// event that fails, each attempt after a failed one, each record that is parked or dropped,
// and the tree of each that took longer than SpanConfig.Slow. docs/reference/telemetry.md
// lists all spans and metrics; it is written from this package.
package telemetry

// Scope names the tracer and the meter.
const Scope = "github.com/coppice-run/coppice"
