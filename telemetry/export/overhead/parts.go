package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/telemetry/export"
	"github.com/coppice-run/coppice/worker"
)

// everything is what telemetry is made of: event trees, spans and their way to the collector,
// metrics, and the hooks in the clients of Kafka and Redis.
const everything = "trees,spans,otlp,metrics,kafka,redis"

// nothing stands for no part of it, so that what is compared is the same.
const nothing = "none"

// subject is a way of running the worker: with some parts of telemetry, or none.
type subject struct {
	name  string
	parts []string
}

// subjects are the worker without telemetry, each part of it by itself if wanted, and all together.
func (o *options) subjects() ([]subject, error) {
	all := []subject{{name: "without"}}
	if o.parts == nothing {
		return append(all, subject{name: "with nothing"}), nil
	}
	parts := strings.Split(o.parts, ",")
	for _, part := range parts {
		if !slices.Contains(strings.Split(everything, ","), part) {
			return nil, fmt.Errorf("there is no part %q of telemetry; there are %s, or %s", part, everything, nothing)
		}
		if o.each {
			all = append(all, subject{"with " + strings.Join(alone(part), ", "), alone(part)})
		}
	}
	return append(all, subject{"with", parts}), nil
}

// alone is one part, with what it is nothing without: spans and metrics go to the collector, and
// spans of Redis are below those of batches.
func alone(part string) []string {
	switch part {
	case "otlp", "redis":
		return []string{"spans", part}
	case "metrics":
		return []string{part, "otlp"}
	}
	return []string{part}
}

func (s subject) has(part string) bool { return slices.Contains(s.parts, part) }

// wire gives a worker and its clients the parts of a subject, until stop is called, which sends
// what has not gone out yet.
func (s subject) wire(ctx context.Context, o options, collector string, w *worker.Config, kafka *kafkadepot.Config, redis *redisstate.Config) (stop func() error, err error) {
	w.Trees = telemetry.TreesConfig{Every: -1, Slow: -1}
	if s.has("trees") {
		w.Trees = telemetry.TreesConfig{Every: o.sample}
	}
	if len(s.parts) == 0 {
		return func() error { return nil }, nil
	}
	config := export.Config{Sample: o.sample, Period: time.Second}
	if s.has("otlp") {
		config.OTLP = collector
	}
	t, err := export.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	if s.has("kafka") {
		t.Kafka(kafka)
	}
	if s.has("redis") {
		t.Redis(redis)
	}
	switch {
	case s.has("spans") && s.has("metrics"):
		t.Worker(w)
	case s.has("spans"):
		spans := telemetry.NewSpans(telemetry.SpanConfig{Provider: t.Traces(), Every: o.sample})
		w.Listener, w.CommitContext = runtime.Tee(w.Listener, spans.Listener()), spans.CommitContext
	case s.has("metrics"):
		if w.Metrics, err = telemetry.NewMetrics(t.Meters()); err != nil {
			return nil, errors.Join(err, t.Stop(ctx))
		}
		w.Listener = runtime.Tee(w.Listener, w.Metrics.Listener())
	}
	return sync.OnceValue(func() error { return t.Stop(context.WithoutCancel(ctx)) }), nil
}
