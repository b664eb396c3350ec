package export

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel/metric"
)

// brokerMeter is kotel's meter, but for what it hears of each request and batch: kotel makes a set
// of attributes for each, and adds to counters. Here they are summed up, and kotel hears of the sums
// when metrics are collected. It counts bytes and records, not calls, so that it counts the same.
type brokerMeter struct {
	*kotel.Meter
	mu      sync.Mutex
	written map[int32]int // bytes, by broker
	read    map[int32]int
	sent    map[brokerTopic]kgo.ProduceBatchMetrics
	fetched map[brokerTopic]kgo.FetchBatchMetrics
}

type brokerTopic struct {
	node  int32
	topic string
}

func newBrokerMeter(provider metric.MeterProvider) *brokerMeter {
	return &brokerMeter{
		Meter: kotel.NewMeter(kotel.MeterProvider(provider)), written: map[int32]int{}, read: map[int32]int{},
		sent: map[brokerTopic]kgo.ProduceBatchMetrics{}, fetched: map[brokerTopic]kgo.FetchBatchMetrics{},
	}
}

// OnBrokerWrite sums up what was written, and passes on that something could not be.
func (m *brokerMeter) OnBrokerWrite(meta kgo.BrokerMetadata, key int16, bytes int, wait, took time.Duration, err error) {
	if err != nil {
		m.Meter.OnBrokerWrite(meta, key, bytes, wait, took, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written[meta.NodeID] += bytes
}

// OnBrokerRead sums up what was read, and passes on that something could not be.
func (m *brokerMeter) OnBrokerRead(meta kgo.BrokerMetadata, key int16, bytes int, wait, took time.Duration, err error) {
	if err != nil {
		m.Meter.OnBrokerRead(meta, key, bytes, wait, took, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read[meta.NodeID] += bytes
}

// OnProduceBatchWritten sums up what was sent to a topic.
func (m *brokerMeter) OnProduceBatchWritten(meta kgo.BrokerMetadata, topic string, _ int32, b kgo.ProduceBatchMetrics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := brokerTopic{meta.NodeID, topic}
	sum := m.sent[key]
	sum.NumRecords, sum.UncompressedBytes = sum.NumRecords+b.NumRecords, sum.UncompressedBytes+b.UncompressedBytes
	m.sent[key] = sum
}

// OnFetchBatchRead sums up what came of a topic.
func (m *brokerMeter) OnFetchBatchRead(meta kgo.BrokerMetadata, topic string, _ int32, b kgo.FetchBatchMetrics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := brokerTopic{meta.NodeID, topic}
	sum := m.fetched[key]
	sum.NumRecords, sum.UncompressedBytes = sum.NumRecords+b.NumRecords, sum.UncompressedBytes+b.UncompressedBytes
	m.fetched[key] = sum
}

// pass tells kotel of the sums.
func (m *brokerMeter) pass() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for node, bytes := range m.written {
		m.Meter.OnBrokerWrite(kgo.BrokerMetadata{NodeID: node}, 0, bytes, 0, 0, nil)
	}
	for node, bytes := range m.read {
		m.Meter.OnBrokerRead(kgo.BrokerMetadata{NodeID: node}, 0, bytes, 0, 0, nil)
	}
	for at, sum := range m.sent {
		m.Meter.OnProduceBatchWritten(kgo.BrokerMetadata{NodeID: at.node}, at.topic, 0, sum)
	}
	for at, sum := range m.fetched {
		m.Meter.OnFetchBatchRead(kgo.BrokerMetadata{NodeID: at.node}, at.topic, 0, sum)
	}
	clear(m.written)
	clear(m.read)
	clear(m.sent)
	clear(m.fetched)
}
