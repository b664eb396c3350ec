package main

import (
	"context"
	"errors"
	"slices"

	"github.com/coppice-run/coppice/module"
)

// guarantees of Kafka Streams, as it names them.
const (
	atLeastOnce = "at_least_once"
	exactlyOnce = "exactly_once_v2"
)

// longer is how many times the input of the long workloads is that of the others: there,
// starting and the last commit weigh less.
const longer = 4

// peerCountWorkload compares count with other engines, and these with the loop written by hand.
func peerCountWorkload(ctx context.Context, s *servers, o options, r *report) error {
	return s.peerCount(ctx, o, r, r.clocks("peer-count"), s.clockedHand(false))
}

// peerCountLongWorkload is the same with a longer input and the fastest engine alone.
func peerCountLongWorkload(ctx context.Context, s *servers, o options, r *report) error {
	o.count, o.peers = longer*o.count, flink.name
	return s.peerCount(ctx, o, r, r.clocks("peer-count-long"))
}

func (s *servers) peerCount(ctx context.Context, o options, r *report, c *clocks, others ...clocked) error {
	in, err := s.fill(ctx, moduleName("BenchPeerCount"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	mine := s.clocked(func(name string, first *firstRecord) module.Module { return &counting{name: name, first: first} })
	return s.withPeers(ctx, o, r, "count", func(peers []clocked) error {
		return c.alternate(ctx, in, o.rounds, slices.Concat([]clocked{mine}, others, peers)...)
	})
}

// peerWordsWorkload compares words with other engines, and these with the loop written by hand.
func peerWordsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	return s.peerWords(ctx, o, r, r.clocks("peer-words"), s.clockedHand(true))
}

// peerWordsLongWorkload is the same with a longer input, the fastest engine, and Storm: that
// counts for some seconds only then, so that how it begins weighs little.
func peerWordsLongWorkload(ctx context.Context, s *servers, o options, r *report) error {
	o.words, o.peers = longer*o.words, flink.name+","+storm.name
	return s.peerWords(ctx, o, r, r.clocks("peer-words-long"))
}

func (s *servers) peerWords(ctx context.Context, o options, r *report, c *clocks, others ...clocked) error {
	in, err := s.fill(ctx, moduleName("BenchPeerWords"), "sentences", tasks, o.words, sentencesOf(10))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	mine := s.clocked(func(name string, first *firstRecord) module.Module { return &wording{name: name, first: first} })
	return s.withPeers(ctx, o, r, "words", func(peers []clocked) error {
		return c.alternate(ctx, in, o.rounds, slices.Concat([]clocked{mine}, others, peers)...)
	})
}

// withPeers has the wanted programs run while measure does.
func (s *servers) withPeers(ctx context.Context, o options, r *report, workload string, measure func([]clocked) error) (err error) {
	var subjects []clocked
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
