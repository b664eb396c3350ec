package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/module"
)

// countsOf reads what a round has counted of an input so far.
type countsOf func(ctx context.Context, in *input) (map[string]int64, error)

// onceOnly says whether a module counts each event once, whatever fails.
func onceOnly(m module.Module) bool {
	o, ok := m.(interface{ once() bool })
	return ok && o.once()
}

// retriedPatience is how long the events of failed attempts may take that nobody waited for: an
// event that failed is told as one of its batch.
const retriedPatience = 10 * time.Second

// compareRetried holds the counts of a round in which attempts failed, and whose worker still
// runs, against the fold of its input. The round is run again, since it says nothing of
// speed; its counts have to be right all the same: exactly those of the fold where events count
// once, and where they count at least once none below it.
func (s *servers) compareRetried(ctx context.Context, in *input, m module.Module, failed error, of countsOf) error {
	if failed == nil || of == nil {
		return failed
	}
	for deadline := time.Now().Add(retriedPatience); ; {
		counts, err := of(ctx, in)
		if err != nil {
			return err
		}
		if onceOnly(m) {
			if wrong := in.check(counts); wrong != nil {
				return wrong
			}
			return fmt.Errorf("its counts equal the fold: %w", failed)
		}
		again, wrong := in.checkLeast(counts)
		switch {
		case wrong == nil:
			return fmt.Errorf("none of its counts is below the fold, %d events were counted again: %w", again, failed)
		case time.Now().After(deadline):
			return wrong
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// alternate has the subjects process an input in turn, in so many rounds, and notes
// events per second. The first rounds, so many, are a warm-up that does not count.
func alternate(ctx context.Context, in *input, f *figure, rounds, warm int, subjects ...subject) error {
	f.Checked = in.checked()
	for round := range warm + rounds {
		for _, subject := range subjects {
			in := in
			if subject.in != nil {
				in = subject.in
			}
			took, err := subject.round(ctx, in, f)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", f.Workload, subject.name, err)
			}
			if round >= warm {
				f.add(subject.name, float64(in.events)/took.Seconds())
			}
		}
	}
	return nil
}

// How often a round is run at most in which attempts failed, or which another engine did not
// bring to its end.
const (
	tries      = 5
	triesStuck = 3
)

// prepare makes everything ready for a round.
func (s *subject) prepare(ctx context.Context, in *input) error {
	if s.before == nil {
		return nil
	}
	return s.before(ctx, in)
}

// round prepares a round and runs it. One that is run again is noted in the figure, with why.
func (s *subject) round(ctx context.Context, in *input, f *figure) (took time.Duration, err error) {
	for try := 1; ; try++ {
		if err := s.prepare(ctx, in); err != nil {
			return 0, err
		}
		if took, err = s.run(ctx, in); err == nil || try >= allowed(err) {
			return took, err
		}
		f.again(s.name, err)
	}
}

// allowed is how often a round may be run that ended with an error.
func allowed(err error) int {
	switch {
	case errors.Is(err, errRetried):
		return tries
	case errors.Is(err, errStuck):
		return triesStuck
	default:
		return 1
	}
}
