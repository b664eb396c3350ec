package kafkadepot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// positionsDepot ends the name of the topic that a module's tasks keep the positions
// of their transactions in, each in its own partition; no depot can have the name.
const positionsDepot = "__positions"

func positionsConfigs() map[string]*string {
	return map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}
}

// transactionTimeout is after how long brokers abort a transaction whose writer is
// gone: readers with read_committed wait for it meanwhile (T27). A transaction's
// records are given up a little before.
const (
	transactionTimeout  = 10 * time.Second
	transactionPatience = 8 * time.Second
)

// transacting are the options of a client that writes the transactions of a task.
func (c Config) transacting(id depot.TransactorID) []kgo.Opt {
	return append(c.producing(),
		kgo.TransactionalID(depot.TopicName(id.Module, strconv.Itoa(int(id.Task)))), kgo.TransactionTimeout(transactionTimeout),
		kgo.RecordDeliveryTimeout(transactionPatience))
}

// transactor writes the transactions of one task: with a client of its own, since a
// transactional id belongs to one client.
type transactor struct {
	log       *Log
	id        depot.TransactorID
	positions string // topic
	client    *kgo.Client
	over      error
}

// Lookup finds a topic by its name.
func (l *Log) Lookup(ctx context.Context, name string) (depot.Topic, error) {
	topic, err := l.find(ctx, name)
	if err == nil && topic.Partitions == 0 {
		err = fmt.Errorf("%w: %s, brokers %s", depot.ErrNoTopic, name, l.config.names())
	}
	return topic, err
}

// Transactor fences off the transactors of a task that are open, and only then asks
// for the position of its last transaction: before, the answer may still change (R30).
func (l *Log) Transactor(ctx context.Context, id depot.TransactorID) (depot.Transactor, []byte, error) {
	t := &transactor{log: l, id: id, positions: depot.TopicName(id.Module, positionsDepot)}
	if err := l.ensureInternal(ctx, t.positions, id.Tasks, positionsConfigs()); err != nil {
		return nil, nil, err
	}
	var err error
	if t.client, err = kgo.NewClient(l.config.transacting(id)...); err != nil {
		return nil, nil, fmt.Errorf("kafkadepot: %w", err)
	}
	var position []byte
	if _, _, err = t.client.ProducerID(ctx); err != nil {
		err = l.failed(fmt.Sprintf("fencing off the former transactions of module %s task %d", id.Module, id.Task), err)
	} else {
		position, err = l.lastPosition(ctx, t.positions, id.Task)
	}
	if err != nil {
		t.client.Close()
		return nil, nil, err
	}
	return t, position, nil
}

// Write writes one transaction.
func (t *transactor) Write(ctx context.Context, records []depot.TopicRecord, position []byte) error {
	if t.over == nil {
		t.over = t.write(ctx, records, position)
	}
	return t.over
}

func (t *transactor) write(ctx context.Context, records []depot.TopicRecord, position []byte) error {
	if len(position) > depot.PositionBytesMax {
		return fmt.Errorf("%w: a position of %d bytes, at most %d are allowed", depot.ErrNotAppended, len(position), depot.PositionBytesMax)
	}
	all := make([]*kgo.Record, 0, len(records)+1)
	for i := range records {
		r := &records[i]
		if n := depot.RecordBytes(&r.Record); n > depot.RecordBytesMax {
			return fmt.Errorf("%w: %w: topic %s: key, value and headers have %d bytes, at most %d are allowed", depot.ErrNotAppended, depot.ErrTooLarge, r.Topic, n, depot.RecordBytesMax)
		}
		all = append(all, produced(r.Topic, r.Partition, &r.Record))
	}
	all = append(all, &kgo.Record{Topic: t.positions, Partition: t.id.Task, Key: []byte(strconv.Itoa(int(t.id.Task))), Value: position})
	if err := t.client.BeginTransaction(); err != nil {
		return t.failed(depot.ErrNotAppended, "beginning a transaction", err)
	}
	if err := t.client.ProduceSync(ctx, all...).FirstErr(); err != nil {
		t.abort(ctx)
		return t.failed(depot.ErrNotAppended, "writing a transaction", err)
	}
	// A commit that was sent is done or not, whoever gives up waiting for the answer.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionPatience)
	defer cancel()
	if err := t.client.EndTransaction(ending, kgo.TryCommit); err != nil {
		return t.failed(depot.ErrUnknown, "committing a transaction", err)
	}
	return nil
}

// abort tries to end a transaction that is not to be: readers wait for its end, which
// comes by itself after transactionTimeout, or when the task's next transactor opens.
func (t *transactor) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if t.client.AbortBufferedRecords(ctx) == nil {
		_ = t.client.EndTransaction(ctx, kgo.TryAbort)
	}
}

// failed words an error of a transaction. Before its commit was asked for, one that is
// fenced off has left nothing; after that it may be one that was answered late.
func (t *transactor) failed(class error, what string, err error) error {
	if class == depot.ErrNotAppended && (errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)) {
		class = depot.ErrFenced
	}
	return fmt.Errorf("%w: %s of module %s task %d, brokers %s: %w", class, what, t.id.Module, t.id.Task, t.log.config.names(), err)
}

// Close ends the client.
func (t *transactor) Close() error {
	t.client.Close()
	return nil
}

// lastPosition reads the position of a task's last transaction. It reads backwards in
// growing steps: between two positions there are but the marks of transactions.
func (l *Log) lastPosition(ctx context.Context, topic string, task int32) ([]byte, error) {
	start, end, err := l.committedBounds(ctx, topic, task)
	if err != nil {
		return nil, err
	}
	for back := int64(positionsBack); ; back *= 8 {
		from := max(start, end-back)
		if from >= end {
			return nil, nil
		}
		position, err := l.readPosition(ctx, topic, task, from, end)
		if err != nil || position != nil || from == start {
			return position, err
		}
	}
}

// positionsBack is how many offsets are read at first.
const positionsBack = 16

// committedBounds are the first offset of a partition and the one behind the last that
// belongs to a transaction which has ended.
func (l *Log) committedBounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	err = l.patiently(ctx, func(ctx context.Context) error {
		starts, err := l.admin.ListStartOffsets(ctx, topic)
		if err != nil {
			return l.failed("asking for the start of topic "+topic, err)
		}
		ends, err := l.admin.ListCommittedOffsets(ctx, topic)
		if err != nil {
			return l.failed("asking for the end of topic "+topic, err)
		}
		if start, err = l.listed(starts, topic, partition); err != nil {
			return err
		}
		end, err = l.listed(ends, topic, partition)
		return err
	})
	return start, end, err
}

// readPosition returns the last committed record of a stretch of a partition, nil if
// there is none.
func (l *Log) readPosition(ctx context.Context, topic string, partition int32, from, end int64) (position []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.CheckTimeout)
	defer cancel()
	at := map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}
	client, err := kgo.NewClient(append(l.config.common(), kgo.ConsumePartitions(at), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(fetchWait))...)
	if err != nil {
		return nil, fmt.Errorf("kafkadepot: %w", err)
	}
	defer client.Close()
	for last := from - 1; last < end-1; {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, l.failed(fmt.Sprintf("reading topic %s partition %d", topic, partition), err)
		}
		if err := fetches.Err(); err != nil && !isPassing(err) {
			return nil, l.failed(fmt.Sprintf("reading topic %s partition %d", topic, partition), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			last = r.Offset
			if !r.Attrs.IsControl() && r.Offset < end {
				position = r.Value
			}
		})
	}
	return position, nil
}
