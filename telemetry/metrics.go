package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
)

// TaskFigures is what a worker says of one of its tasks when metrics are collected.
type TaskFigures struct {
	runtime.Status
	// Silent: the task did not answer in time, and Status holds its name alone.
	Silent bool
	// Handler is the one that runs for long; nil: none does.
	Handler *eventtree.Handler
	Lags    []Lag
}

// Lag is how far a source is behind the end of its partition.
type Lag struct {
	Topology, Source, Depot string
	Stored                  int64 // all records below this offset are done, as the slot says
	End                     int64 // offset behind the last record of the partition
	Behind                  int64 // records that are not done
}

// Metrics makes OpenTelemetry metrics of what the tasks of a program do. What each event
// would add to is counted by the engine, and read when metrics are collected; only batches
// are recorded one by one. One Metrics may serve several workers.
type Metrics struct {
	meter       metric.Meter
	observables map[string]metric.Observable
	all         []metric.Observable

	commit, batch       metric.Float64Histogram
	events, fields, big metric.Int64Histogram

	mu      sync.Mutex
	sent    byTask[sentCommit]
	options map[string][]metric.RecordOption // by module
	noted   []notedBatch                     // that the histograms do not have yet
}

// NewMetrics makes the instruments that docs/reference/telemetry.md lists.
func NewMetrics(provider metric.MeterProvider) (*Metrics, error) {
	m := &Metrics{meter: provider.Meter(Scope), observables: map[string]metric.Observable{}, sent: byTask[sentCommit]{}, options: map[string][]metric.RecordOption{}}
	var errs []error
	for i := range metrics {
		errs = append(errs, m.make(&metrics[i]))
	}
	err := errors.Join(errs...)
	if err == nil {
		_, err = m.OnCollect(m.pass) // what is collected is complete
	}
	if err != nil {
		return nil, fmt.Errorf("telemetry: making the metrics: %w", err)
	}
	return m, nil
}

// OnCollect has something done whenever metrics are collected, before that, until stop is called.
func (m *Metrics) OnCollect(do func()) (stop func() error, err error) {
	r, err := m.meter.RegisterCallback(func(context.Context, metric.Observer) error {
		do()
		return nil
	}, m.all...)
	if err != nil {
		return nil, err
	}
	return r.Unregister, nil
}

func (m *Metrics) make(d *metricDoc) (err error) {
	var o metric.Observable
	switch d.kind {
	case counter:
		o, err = m.meter.Int64ObservableCounter(d.Name, metric.WithUnit(d.Unit), metric.WithDescription(d.Help))
	case gauge:
		o, err = m.meter.Float64ObservableGauge(d.Name, metric.WithUnit(d.Unit), metric.WithDescription(d.Help))
	case times:
		var h metric.Float64Histogram
		h, err = m.meter.Float64Histogram(d.Name, metric.WithUnit(d.Unit), metric.WithDescription(d.Help), metric.WithExplicitBucketBoundaries(secondsBuckets...))
		switch d.Name {
		case commitDuration:
			m.commit = h
		case batchDuration:
			m.batch = h
		}
		return err
	case sizes:
		var h metric.Int64Histogram
		h, err = m.meter.Int64Histogram(d.Name, metric.WithUnit(d.Unit), metric.WithDescription(d.Help), metric.WithExplicitBucketBoundaries(sizeBuckets...))
		switch d.Name {
		case batchEvents:
			m.events = h
		case batchFields:
			m.fields = h
		case batchBytes:
			m.big = h
		}
		return err
	}
	m.observables[d.Name] = o
	m.all = append(m.all, o)
	return err
}

var (
	secondsBuckets = []float64{0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30}
	sizeBuckets    = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000, 10_000_000}
)

// Observe has the figures asked for whenever metrics are collected, until stop is called.
func (m *Metrics) Observe(figures func(context.Context) []TaskFigures) (stop func() error, err error) {
	r, err := m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		for _, f := range figures(ctx) {
			m.observe(o, &f)
		}
		return nil
	}, m.all...)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return r.Unregister, nil
}

// observe reports one task.
func (m *Metrics) observe(o metric.Observer, f *TaskFigures) {
	own := []attribute.KeyValue{Module.String(f.Module), Task.Int(int(f.Task))}
	set := metric.WithAttributeSet(attribute.NewSet(own...))
	number := func(name string, n float64, options ...metric.ObserveOption) {
		o.ObserveFloat64(m.observables[name].(metric.Float64Observable), n, options...)
	}
	count := func(name string, n uint64, options ...metric.ObserveOption) {
		o.ObserveInt64(m.observables[name].(metric.Int64Observable), int64(n), options...)
	}
	number(taskSilent, one(f.Silent), set)
	if h := f.Handler; h != nil {
		number(handlerStuck, time.Since(h.Since).Seconds(), metric.WithAttributes(append(own, Topology.String(h.Topology), Step.String(h.Step))...))
	}
	if f.Silent {
		return
	}
	for i := range metrics {
		d := &metrics[i]
		switch {
		case d.count != nil:
			count(d.Name, d.count(&f.Counts), set)
		case d.status != nil:
			number(d.Name, d.status(&f.Status), set)
		}
	}
	c := &f.Counts
	for ending, n := range map[string]uint64{"done": c.Done, "rejected": c.Rejected, "parked": c.Parked, "dropped": c.Dropped} {
		count(records, n, metric.WithAttributes(append(own, Ending.String(ending))...))
	}
	at := func(topology, source, depot string) metric.ObserveOption {
		return metric.WithAttributes(append(own, Topology.String(topology), Source.String(source), Depot.String(depot))...)
	}
	for _, s := range f.Streams {
		where := metric.WithAttributes(append(own, Topology.String(s.Topology))...)
		number(inFlight, float64(s.InFlight), where)
		number(inFlightLimit, float64(s.Limit), where)
	}
	for _, s := range f.Sources {
		number(sourceWaiting, float64(s.Waiting), at(s.Topology, s.Source, s.Depot))
		number(sourceRetries, float64(s.Retries), at(s.Topology, s.Source, s.Depot))
	}
	for _, l := range f.Lags {
		where := at(l.Topology, l.Source, l.Depot)
		number(sourceStored, float64(l.Stored), where)
		number(sourceEnd, float64(l.End), where)
		number(sourceLag, float64(l.Behind), where)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
