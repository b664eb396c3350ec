package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// peerAckWorkload compares how long an append takes until its answer is there: ours, and
// with Kafka Streams a record that is produced until a reader of committed records has the
// count that it led to.
func peerAckWorkload(ctx context.Context, s *servers, o options, r *report) error {
	p50 := r.figure("peer-ack", "ms p50", true)
	p99 := r.figure("peer-ack-p99", "ms p99", true)
	round := 0
	note := func(subject string, samples []time.Duration) {
		if round > 0 { // the first one warms up
			p50.add(subject, quantile(samples, 0.5))
			p99.add(subject, quantile(samples, 0.99))
		}
	}
	j, err := kafkaStreams.start(ctx, s)
	if err != nil {
		return err
	}
	defer j.stop()
	r.Environment.Java = j.version
	for ; round <= o.rounds; round++ {
		samples, _, err := oursAcked(ctx, s, false, 1, o.acks)
		if err != nil {
			return err
		}
		note(ours, samples)
		if samples, err = s.streamsAcked(ctx, j, atLeastOnce, o.acks); err != nil {
			return fmt.Errorf("kafka-streams: %w", err)
		}
		note("kafka-streams", samples)
		if samples, err = s.streamsAcked(ctx, j, exactlyOnce, min(o.acks, exactSamples)); err != nil {
			return fmt.Errorf("kafka-streams-eo: %w", err)
		}
		note("kafka-streams-eo", samples)
	}
	p50.Checked = "the final count is the number of records"
	return nil
}

// answersLate is how long after the end of a round the last answers may take.
const answersLate = 30 * time.Second

// exactSamples is how many records wait for an exactly-once answer at most: each takes a
// transaction, which by default is committed each 100 ms.
const exactSamples = 200

// streamsAcked has Kafka Streams answer records one after another.
func (s *servers) streamsAcked(ctx context.Context, j *jvm, guarantee string, records int) ([]time.Duration, error) {
	name := moduleName("BenchPeerAck")
	topic := depot.TopicName(name, "clicks")
	answers := topic + "-answers"
	if _, err := s.log.Ensure(ctx, depot.TopicSpec{Module: name, Depot: "clicks", Partitions: tasks}); err != nil {
		return nil, err
	}
	created, err := kadm.NewClient(s.kafka).CreateTopics(ctx, tasks, 1, nil, answers)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		return nil, err
	}
	defer s.dropTopics(context.WithoutCancel(ctx), topic, answers)
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.options.kafka), kgo.ConsumeTopics(answers),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	producer, err := kgo.NewClient(kgo.SeedBrokers(s.options.kafka), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	// Whichever of the two ends first by a failure ends the other: without the program nobody
	// answers, and without records it waits.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	warm := max(records/10, 1) // as many as ours has
	in := &input{topic: topic, records: warm + records, events: warm + records, fold: map[string]int64{"key": int64(warm + records)}}
	go func() {
		_, counts, err := j.round("ack", guarantee, in)
		if err == nil {
			err = in.check(counts)
		}
		if err != nil {
			cancel(fmt.Errorf("the round has ended: %w", err))
		} else { // all answers are committed: those that are not read soon are lost
			time.AfterFunc(answersLate, func() { cancel(errors.New("all records were counted, and an answer did not come")) })
		}
		ended <- err
	}()
	one := func(int, int) error {
		if err := producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte("key"), Value: []byte("v")}).FirstErr(); err != nil {
			return err
		}
		for {
			fetches := reader.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				return err
			}
			if fetches.NumRecords() > 0 {
				return nil
			}
		}
	}
	var samples []time.Duration
	if _, _, err = drive(1, warm, one); err == nil { // meets the start
		samples, _, err = drive(1, records, one)
	}
	if err != nil {
		return nil, errors.Join(err, context.Cause(ctx))
	}
	select {
	case err := <-ended:
		return samples, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
