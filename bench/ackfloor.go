package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/task"
)

// floorModule is whose keys and topics the floor has.
const floorModule = "BenchFloor"

func floorTable(partition int32) string {
	return fmt.Sprintf("{%s.%d}counts", floorModule, partition)
}

// replyBytes is what answers an append of the floor: the number that its record has as
// its value, and the count of its key.
const replyBytes = 16

// floor is the least that answers an append: a loop that fetches records, counts them, writes
// each batch in a transaction, and tells who appended. The partitions of a poll are committed at the
// same time, each over a connection of its own, so that none waits for the round trips of others.
// Client and loop are two processes, so the replies go over one TCP connection that stays open, all
// of a batch in one write.
type floor struct {
	s       *servers
	replies net.Listener
	conns   [tasks]*redis.Conn
	counts  [tasks]map[string]int64 // of a key, which is always of the same partition
	writing sync.Mutex              // of replies
}

func startFloor(ctx context.Context, s *servers, apart bool) (*answering, error) {
	name := moduleName(floorModule)
	topic := depot.TopicName(name, "clicks")
	if _, err := s.log.Ensure(ctx, depot.TopicSpec{Module: name, Depot: "clicks", Partitions: tasks}); err != nil {
		return nil, err
	}
	offsets := map[int32]kgo.Offset{}
	for p := range int32(tasks) {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.options.kafka), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}), kgo.WithHooks(&s.asked))
	if err != nil {
		return nil, err
	}
	f := &floor{s: s}
	if f.replies, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		reader.Close()
		return nil, err
	}
	looping, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	var failure error
	group.Go(func() { failure = f.run(looping, reader) })
	end := sync.OnceFunc(func() {
		cancel()
		_ = f.replies.Close()
		group.Wait()
		reader.Close()
	})
	a := &answering{
		counted: func(ctx context.Context) (map[string]int64, error) {
			if end(); failure != nil {
				return nil, fmt.Errorf("the floor's loop: %w", failure)
			}
			return f.stored(ctx)
		},
		stop: func() {
			end()
			_ = s.wipe(context.WithoutCancel(ctx), floorModule)
			s.dropTopics(context.WithoutCancel(ctx), topic)
		},
	}
	if err := a.hire(ctx, apart, role{Does: clientOfFloor, Kafka: s.options.kafka, Module: name, Replies: f.replies.Addr().String(), hooks: []kgo.Hook{&s.asked}}); err != nil {
		return nil, a.end(ctx, err)
	}
	return a, nil
}

// stored is what the loop has written.
func (f *floor) stored(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{}
	for p := range int32(tasks) {
		if err := addCounts(ctx, f.s.redis, floorTable(p), counts); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// run waits for the client and answers it until ctx ends. When it fails the client hears of it
// by the end of the connection.
func (f *floor) run(ctx context.Context, reader *kgo.Client) error {
	conn, err := f.replies.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	for p := range f.conns {
		f.counts[p], f.conns[p] = map[string]int64{}, f.s.redis.Conn()
		defer f.conns[p].Close()
	}
	for ctx.Err() == nil {
		if err := f.poll(ctx, reader, conn); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// poll fetches once, and commits what came of all partitions at the same time. The last one takes
// no goroutine: of one appender there is no other.
func (f *floor) poll(ctx context.Context, reader *kgo.Client, answers io.Writer) error {
	fetches := reader.PollFetches(ctx)
	var failures [tasks]error
	var group sync.WaitGroup
	var last func()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		if last != nil {
			group.Go(last)
		}
		last = func() { failures[p.Partition] = f.batch(ctx, p, answers) }
	})
	if last != nil {
		last()
	}
	group.Wait()
	return errors.Join(append(failures[:], fetchFailure(fetches))...)
}

// fetchFailure is what a poll could not fetch, of every partition.
func fetchFailure(fetches kgo.Fetches) error {
	var failures []error
	fetches.EachError(func(topic string, partition int32, err error) {
		failures = append(failures, fmt.Errorf("fetching %s, partition %d: %w", topic, partition, err))
	})
	return errors.Join(failures...)
}

// batch counts records, commits the counts with the offset, and answers.
func (f *floor) batch(ctx context.Context, p kgo.FetchTopicPartition, answers io.Writer) error {
	args := []any{"HSET", floorTable(p.Partition)}
	out := make([]byte, 0, replyBytes*len(p.Records))
	counts := f.counts[p.Partition]
	for _, r := range p.Records {
		counts[string(r.Key)]++
		n := counts[string(r.Key)]
		args = append(args, r.Key, n)
		number, err := strconv.ParseUint(string(r.Value), 10, 64)
		if err != nil {
			return err
		}
		out = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(out, number), uint64(n))
	}
	pipe := f.conns[p.Partition].Pipeline()
	pipe.Do(ctx, "MULTI")
	pipe.Do(ctx, args...)
	pipe.Do(ctx, "HSET", fmt.Sprintf("{%s.%d}progress", floorModule, p.Partition), "offset", p.Records[len(p.Records)-1].Offset)
	pipe.Do(ctx, "EXEC")
	pipe.Do(ctx, "WATCH", fmt.Sprintf("{%s.%d}head", floorModule, p.Partition))
	if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil {
		return err
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	_, err := answers.Write(out)
	return err
}

// floorClient produces records and waits for the loop's replies.
type floorClient struct {
	topic    string
	producer *kgo.Client
	conn     net.Conn
	reading  sync.WaitGroup

	mu      sync.Mutex
	next    uint64
	waiters map[uint64]chan int64 // nil when the connection has ended
}

func newFloorClient(ctx context.Context, p role) (orders, error) {
	f, err := openFloor(ctx, p)
	return newAckClient(f, err)
}

func openFloor(ctx context.Context, p role) (*floorClient, error) {
	f := &floorClient{topic: depot.TopicName(p.Module, "clicks"), waiters: map[uint64]chan int64{}}
	var err error
	if f.conn, err = new(net.Dialer).DialContext(ctx, "tcp", p.Replies); err != nil {
		return nil, err
	}
	f.producer, err = kgo.NewClient(kgo.SeedBrokers(p.Kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.WithHooks(p.hooks...))
	if err != nil {
		return nil, errors.Join(err, f.conn.Close())
	}
	f.reading.Go(f.read)
	return f, nil
}

// read wakes whom the loop answers.
func (f *floorClient) read() {
	in := bufio.NewReader(f.conn)
	var reply [replyBytes]byte
	for {
		_, err := io.ReadFull(in, reply[:])
		f.mu.Lock()
		if err != nil {
			for _, w := range f.waiters {
				close(w)
			}
			f.waiters = nil
			f.mu.Unlock()
			return
		}
		number := binary.BigEndian.Uint64(reply[:])
		w := f.waiters[number]
		delete(f.waiters, number)
		f.mu.Unlock()
		if w != nil {
			w <- int64(binary.BigEndian.Uint64(reply[8:]))
		}
	}
}

var errFloorGone = errors.New("the floor's loop has closed the connection")

func (f *floorClient) ask(ctx context.Context, key string) (int64, error) {
	answer := make(chan int64, 1)
	f.mu.Lock()
	if f.waiters == nil {
		f.mu.Unlock()
		return 0, errFloorGone
	}
	f.next++
	number := f.next
	f.waiters[number] = answer
	f.mu.Unlock()
	r := &kgo.Record{Topic: f.topic, Partition: int32(task.Of([]byte(key), tasks)), Key: []byte(key), Value: strconv.AppendUint(nil, number, 10)}
	if err := f.producer.ProduceSync(ctx, r).FirstErr(); err != nil {
		return 0, err
	}
	select {
	case n, ok := <-answer:
		if !ok {
			return 0, errFloorGone
		}
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (f *floorClient) close() error {
	err := f.conn.Close()
	f.reading.Wait()
	f.producer.Close()
	return err
}
