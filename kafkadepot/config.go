package kafkadepot

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/coppice-run/coppice/depot"
)

// Config says which brokers to use.
type Config struct {
	// Brokers are host:port of some brokers of the cluster.
	Brokers []string
	// TLS, if set, is used for every connection.
	TLS *tls.Config
	// SASL authenticates with the first mechanism that the brokers offer.
	SASL []sasl.Mechanism
	// Dialer, if set, makes the connections.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
	// DialTimeout bounds making a connection. Default 3 s.
	DialTimeout time.Duration
	// CheckTimeout bounds Check: how long brokers may take to answer. Default 5 s.
	CheckTimeout time.Duration
	// AppendTimeout is how long an append is tried before its outcome is given as
	// unknown. Default 30 s.
	AppendTimeout time.Duration
	// Hooks watch all clients, and ProducerHooks the one that appends alone: those of kotel,
	// for one. A hook that does something for each record that is read costs throughput.
	Hooks, ProducerHooks []kgo.Hook
	// FetchBytes is how much of one partition a fetch brings, as the broker stores it. A batch of
	// records that is larger comes whole, but alone: a broker adds no second one to a fetch. So
	// it is to be as large as what producers put into a batch (their batch.size), where they write
	// more than this at a time. More suits brokers that are far away, too, for a connection has
	// one fetch under way: 64 KiB each millisecond are 64 MB a second of each partition. It costs
	// memory, ten times as much and more where records compress well. Default 64 KiB.
	FetchBytes int32
	// ReplicationFactor of topics that are made; default -1, the brokers' own
	// default. Production needs 3, with min.insync.replicas 2.
	ReplicationFactor int16
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Brokers) == 0 {
		return c, errors.New("kafkadepot: Config.Brokers is empty: name the host:port of a Kafka broker")
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return c, fmt.Errorf("kafkadepot: broker %s is not host:port: %w", b, err)
		}
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = 3 * time.Second
	}
	if c.CheckTimeout == 0 {
		c.CheckTimeout = 5 * time.Second
	}
	if c.AppendTimeout == 0 {
		c.AppendTimeout = 30 * time.Second
	}
	if c.FetchBytes < 0 {
		return c, fmt.Errorf("kafkadepot: Config.FetchBytes is %d: it is positive, or 0 for the default of %d", c.FetchBytes, fetchBytesDefault)
	}
	if c.FetchBytes == 0 {
		c.FetchBytes = fetchBytesDefault
	}
	if c.ReplicationFactor == 0 {
		c.ReplicationFactor = -1
	}
	return c, nil
}

func (c Config) names() string { return strings.Join(c.Brokers, ", ") }

// batchBytesMax is what a topic takes: a record at the limit and what a batch
// adds to it.
const batchBytesMax = depot.RecordBytesMax + 64<<10

// fetchWait is how long a broker holds a fetch that finds nothing. Records end it
// at once; a partition that is assigned meanwhile waits for it, so it is short.
const fetchWait = 100 * time.Millisecond

// fetchBytesDefault is small, since of all that a fetch brings records are made at once, which
// take ten times its size and more where it is compressed: those of a large one leave the
// processor's caches before a task takes them, and are most of what a worker keeps in memory. A
// worker that counted had 135 MB resident with 32 KiB, 139 with these 64, 151 with 128.
const fetchBytesDefault = 64 << 10

// fetchBytesAll bounds what one fetch brings of all partitions of a broker: with hundreds of them
// on one worker each fetch else brings most of what there is.
const fetchBytesAll = 1 << 20

// common are the options of every client. A connection that ends before its first
// reply is tried again like any other that ends: brokers that restart close some at
// that moment, and every append that waits would fail with it. Check does not try
// again, so that missing TLS or SASL is told at the start.
func (c Config) common() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...), kgo.ClientID("coppice"), kgo.DialTimeout(c.DialTimeout),
		kgo.DisableClientMetrics(), kgo.MetadataMinAge(10 * time.Millisecond), kgo.AlwaysRetryEOF(),
		kgo.RetryBackoffFn(retryPause),
	}
	if c.Dialer != nil {
		opts = append(opts, kgo.Dialer(c.dial))
	} else if c.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(c.TLS))
	}
	if len(c.SASL) > 0 {
		opts = append(opts, kgo.SASL(c.SASL...))
	}
	if len(c.Hooks) > 0 {
		opts = append(opts, kgo.WithHooks(c.Hooks...))
	}
	return opts
}

// retryPause is how long a request that failed waits for its next try.
func retryPause(try int) time.Duration {
	return min(time.Duration(try)*20*time.Millisecond, time.Second)
}

// dial adds TLS to the configured dialer.
func (c Config) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.Dialer(ctx, network, address)
	if err != nil || c.TLS == nil {
		return conn, err
	}
	config := c.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	return tls.Client(conn, config), nil
}

// producing are the options of the appending client: no lingering, so that an
// append waits for nothing; all in-sync replicas; the partition is ours to choose
// (T24).
func (c Config) producing() []kgo.Opt {
	return append(c.common(), kgo.WithHooks(c.ProducerHooks...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(batchBytesMax), kgo.RecordDeliveryTimeout(c.AppendTimeout), kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
}

// reading are the options of a reading client: it never jumps (T22).
func (c Config) reading() []kgo.Opt {
	return append(c.common(),
		kgo.ConsumeStartOffset(kgo.NoResetOffset()), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxPartitionBytes(c.FetchBytes), kgo.FetchMaxBytes(max(c.FetchBytes, fetchBytesAll)), kgo.KeepRetryableFetchErrors(), kgo.FetchMaxWait(fetchWait), kgo.WithPools(newRecordPool()),
	)
}
