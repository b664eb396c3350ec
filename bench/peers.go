package main

import (
	"context"
	"errors"
)

// guarantees of Kafka Streams, as it names them.
const (
	atLeastOnce = "at_least_once"
	exactlyOnce = "exactly_once_v2"
)

// peerCountWorkload compares count with other engines.
func peerCountWorkload(ctx context.Context, s *servers, o options, r *report) error {
	in, err := s.fill(ctx, moduleName("BenchPeerCount"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	f := r.figure("peer-count", "events/s", false, goal{"kafka-streams-eo", 10}, goal{"flink", 2})
	return s.withPeers(ctx, o, r, "count", func(peers []subject) error {
		return alternate(ctx, in, f, o.rounds, 1, append([]subject{s.module(ours, newCounting)}, peers...)...)
	})
}

// peerWordsWorkload compares words with other engines.
func peerWordsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	f := r.figure("peer-words", "events/s", false, goal{"flink", 2.5}, goal{"storm", 4})
	in, err := s.fill(ctx, moduleName("BenchPeerWords"), "sentences", tasks, o.words, sentencesOf(10))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	return s.withPeers(ctx, o, r, "words", func(peers []subject) error {
		return alternate(ctx, in, f, o.rounds, 1, append([]subject{s.module(ours, newWording())}, peers...)...)
	})
}

// withPeers has the wanted programs run while measure does.
func (s *servers) withPeers(ctx context.Context, o options, r *report, workload string, measure func([]subject) error) (err error) {
	var subjects []subject
	for _, p := range []program{kafkaStreams, flink, storm} {
		if !o.wants(p.name) {
			continue
		}
		j, startErr := p.start(ctx, s)
		if startErr != nil {
			return startErr
		}
		defer j.stop()
		r.Environment.Java = j.version
		if p.name == kafkaStreams.name {
			subjects = append(subjects, j.peer("kafka-streams", workload, atLeastOnce), j.peer("kafka-streams-eo", workload, exactlyOnce))
		} else {
			subjects = append(subjects, j.peer(p.name, workload, "-"))
		}
	}
	if len(subjects) == 0 {
		return errors.New("no peers are wanted: -peers streams,flink,storm")
	}
	return measure(subjects)
}
