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
	sent    map[runtime.TaskInfo]sentCommit
	options map[string][]metric.RecordOption // by module
}

type sentCommit struct {
	at    time.Time
	began time.Duration // how long it had gathered
}

// NewMetrics makes the instruments that docs/reference/telemetry.md lists.
func NewMetrics(provider metric.MeterProvider) (*Metrics, error) {
	m := &Metrics{meter: provider.Meter(Scope), observables: map[string]metric.Observable{}, sent: map[runtime.TaskInfo]sentCommit{}, options: map[string][]metric.RecordOption{}}
	var errs []error
	for i := range metrics {
		errs = append(errs, m.make(&metrics[i]))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("telemetry: making the metrics: %w", err)
	}
	return m, nil
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

// Listener returns what hears of batches; give it to the workers, with runtime.Tee beside
// others.
func (m *Metrics) Listener() *runtime.Listener {
	return &runtime.Listener{BatchSent: m.batchSent, BatchCommitted: m.batchCommitted, Dropped: func(i runtime.DroppedInfo) {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.sent, i.TaskInfo)
	}}
}

func (m *Metrics) batchSent(i runtime.BatchInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent[i.TaskInfo] = sentCommit{time.Now(), i.Gathered}
}

func (m *Metrics) batchCommitted(i runtime.BatchInfo) {
	m.mu.Lock()
	s, ok := m.sent[i.TaskInfo]
	delete(m.sent, i.TaskInfo)
	o := m.options[i.Module]
	if o == nil {
		o = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(Module.String(i.Module)))}
		m.options[i.Module] = o
	}
	m.mu.Unlock()
	ctx := context.Background()
	m.events.Record(ctx, int64(i.Events), o...)
	if !ok || i.Commit == nil {
		return // there was nothing to store
	}
	took := time.Since(s.at)
	m.commit.Record(ctx, took.Seconds(), o...)
	m.batch.Record(ctx, (took + s.began).Seconds(), o...)
	m.fields.Record(ctx, int64(i.Fields), o...)
	m.big.Record(ctx, i.Bytes, o...)
}

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
