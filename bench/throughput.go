package main

import (
	"context"

	"github.com/coppice-run/coppice/module"
)

// countWorkload counts records by key, which needs no hop.
func countWorkload(ctx context.Context, s *servers, o options, r *report) error {
	in, err := s.fill(ctx, moduleName("BenchCount"), "clicks", tasks, o.count, keysOf(100_000))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	f := r.figure("count", "events/s", false)
	return alternate(ctx, in, f, o.rounds, 0, s.module(ours, newCounting), s.handWritten(false))
}

// wordsWorkload splits sentences and counts each word where it belongs, in trees that are
// tracked; the loop tracks nothing.
func wordsWorkload(ctx context.Context, s *servers, o options, r *report) error {
	f := r.figure("words", "events/s", false)
	return s.words(ctx, "BenchWords", o, f, s.module(ours, newWording), s.handWritten(true))
}

// exactlyOnceWorkload compares the same topology, exactly once and at least once.
func exactlyOnceWorkload(ctx context.Context, s *servers, o options, r *report) error {
	f := r.figure("exactly-once", "events/s", false)
	return s.words(ctx, "BenchExact", o, f, s.module(ours, newExactWording), s.module("at-least-once", newWording))
}

// words has the subjects process the sentences.
func (s *servers) words(ctx context.Context, prefix string, o options, f *figure, subjects ...subject) error {
	in, err := s.fill(ctx, moduleName(prefix), "sentences", tasks, o.words, sentencesOf(10))
	if err != nil {
		return err
	}
	defer s.drop(ctx, in)
	return alternate(ctx, in, f, o.rounds, 0, subjects...)
}

func newCounting(name string) module.Module { return &counting{name: name} }

func newWording(name string) module.Module { return &wording{name: name} }

func newExactWording(name string) module.Module { return &wording{name: name, exact: true} }

func newMicroWording(name string) module.Module { return &wording{name: name, micro: true} }
