// Package telemetry turns what tasks do into OpenTelemetry spans. It uses the
// API only: which SDK and exporter there are is the program's business.
//
//	provider := sdktrace.NewTracerProvider(…)
//	worker.Run(ctx, worker.Config{…, Listener: telemetry.Listener(provider)}, modules…)
//	client.New(client.Config{…, Tracing: provider})
//
// One record's trace:
//
//	append <depot>                  the client, until its answer
//	├─ event <source>               the root event on the task of the record
//	│  ├─ commit                    the transaction that made it visible
//	│  └─ event <step>              an event that it sent off, on any task
//	│     └─ commit
//	└─ done                         the record's tree is complete
//
// Records without a trace context cost nothing.
package telemetry

// Scope names the tracer.
const Scope = "github.com/coppice-run/coppice"
