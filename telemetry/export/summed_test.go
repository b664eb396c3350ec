package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/telemetry"
)

// collected are the sums of counters and the counts of histograms, by their names and attributes.
func collected(t *testing.T, r sdkmetric.Reader) (all []string) {
	var got metricdata.ResourceMetrics
	if err := r.Collect(context.Background(), &got); err != nil {
		t.Fatal(err)
	}
	for _, s := range got.ScopeMetrics {
		for _, m := range s.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					all = append(all, fmt.Sprint(m.Name, p.Attributes.ToSlice(), p.Value))
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					all = append(all, fmt.Sprint(m.Name, p.Attributes.ToSlice(), p.Count, p.Sum))
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					all = append(all, fmt.Sprint(m.Name, p.Attributes.ToSlice(), p.Count))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// meters is what hears of a client's requests.
type meters interface {
	kgo.HookBrokerConnect
	kgo.HookBrokerDisconnect
	kgo.HookBrokerWrite
	kgo.HookBrokerRead
	kgo.HookProduceBatchWritten
	kgo.HookFetchBatchRead
}

func TestSummedUpKafkaCountsTheSame(t *testing.T) {
	ours, theirs := sdkmetric.NewManualReader(), sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(ours))
	metrics, err := telemetry.NewMetrics(provider)
	if err != nil {
		t.Fatal(err)
	}
	own := newBrokerMeter(provider)
	if _, err := metrics.OnCollect(own.pass); err != nil {
		t.Fatal(err)
	}
	plain := kotel.NewMeter(kotel.MeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(theirs))))
	for round := range 3 {
		for _, m := range []meters{own, plain} {
			for n := range 7 {
				at := kgo.BrokerMetadata{NodeID: int32(n%3 - 1)}
				m.OnBrokerConnect(at, 0, nil, nil)
				m.OnBrokerWrite(at, 1, 10+n, 0, 0, nil)
				m.OnBrokerRead(at, 1, 1000+n, 0, 0, nil)
				topic := []string{"one", "two"}[n%2]
				m.OnProduceBatchWritten(at, topic, 0, kgo.ProduceBatchMetrics{NumRecords: n, UncompressedBytes: 100 * n})
				m.OnFetchBatchRead(at, topic, 0, kgo.FetchBatchMetrics{NumRecords: 2 * n, UncompressedBytes: 300 * n})
				if n == round {
					m.OnBrokerWrite(at, 1, 5, 0, 0, errors.New("no"))
					m.OnBrokerRead(at, 1, 5, 0, 0, errors.New("no"))
					m.OnBrokerDisconnect(at, nil)
				}
			}
		}
		have, want := collected(t, ours), collected(t, theirs)
		if !slices.Equal(have, want) || len(want) < 20 {
			t.Fatalf("round %d: collected are\n%v\nand kotel counts\n%v", round, have, want)
		}
	}
}

func TestWhatIsCollectedHasAllBatches(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	metrics, err := telemetry.NewMetrics(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	l := metrics.Listener()
	batches, stored, events := 0, 0, 0
	for _, more := range []int{1, 3, 31, 32, 200} {
		for n := range more {
			batch := runtime.BatchInfo{TaskInfo: runtime.TaskInfo{Module: "Words", Task: 3}, Events: n, Fields: 2}
			if n%3 > 0 {
				batch.Commit = &store.Batch{}
				stored++
				l.BatchSent(batch)
			}
			l.BatchCommitted(batch)
			batches, events = batches+1, events+n
		}
		have := collected(t, reader)
		for _, want := range []string{
			fmt.Sprintf("coppice.batch.events[{\"coppice.module\":\"Words\"}] %d %d", batches, events),
			fmt.Sprintf("coppice.batch.fields[{\"coppice.module\":\"Words\"}] %d %d", stored, 2*stored),
			fmt.Sprintf("coppice.commit.duration[{\"coppice.module\":\"Words\"}] %d", stored),
		} {
			if stored > 0 && !slices.Contains(have, want) {
				t.Errorf("collected are %v, and among them is no %s", have, want)
			}
		}
	}
}
