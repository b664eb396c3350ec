// Package export sends the spans and metrics of workers and clients to where they are looked
// at: to a collector by OTLP, and to Prometheus, which asks for them. It has the SDK of
// OpenTelemetry and its exporters, and is a Go module of its own so that programs which do
// without them need not have them.
//
//	t, err := export.Start(ctx, export.Config{OTLP: "http://collector:4318"})
//	defer t.Stop(ctx)
//	kafka, redis := kafkadepot.Config{…}, redisstate.Config{…}
//	t.Kafka(&kafka)   // kotel
//	t.Redis(&redis)   // redisotel
//	w := worker.Config{…}
//	t.Worker(&w)      // spans and metrics of what the tasks do
//	http.Handle("/metrics", t.Handler())
package export
