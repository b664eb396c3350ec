package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/client"
)

// verdict is what the checkers found.
type verdict struct {
	appends  int // that were acked
	unsure   int // whose outcome no answer told
	lost     []string
	doubled  []string // singles that count more than once
	repeated int      // pairs that arrived more than once, as at least once allows
	strange  []error
}

// check reads the state of every record.
func check(ctx context.Context, m *ledger, c *client.Client, a *appenders) (*verdict, error) {
	v := &verdict{strange: a.strange}
	singles, err := counts(ctx, a.singles, func(ctx context.Context, e entry) (int, error) {
		return m.Count.Key(e.ID).Get(c.At(ctx))
	})
	if err != nil {
		return nil, err
	}
	pairs, err := counts(ctx, a.pairs, func(ctx context.Context, e entry) (int, error) {
		return m.Seen.Key(e.Group).Key(e.ID).Get(c.At(ctx))
	})
	if err != nil {
		return nil, err
	}
	for i, f := range a.singles {
		v.note("single", f, singles[i])
		if singles[i] > 1 {
			v.doubled = append(v.doubled, fmt.Sprintf("single %s counts %d times", f.ID, singles[i]))
		}
	}
	for i, f := range a.pairs {
		v.note("pair", f, pairs[i])
		if pairs[i] > 1 {
			v.repeated++
		}
	}
	return v, nil
}

func (v *verdict) note(what string, f fate, count int) {
	switch {
	case f.outcome == acked:
		v.appends++
		if count == 0 {
			v.lost = append(v.lost, fmt.Sprintf("%s %s was acked and does not count", what, f.ID))
		}
	case f.outcome == unknown:
		v.unsure++
	case count > 0: // absent
		v.strange = append(v.strange, fmt.Errorf("%s %s was said not to be appended, and counts %d times", what, f.ID, count))
	}
}

// readers is how many reads are under way at once.
const readers = 16

func counts(ctx context.Context, fates []fate, read func(context.Context, entry) (int, error)) ([]int, error) {
	out := make([]int, len(fates))
	errs := make([]error, readers)
	var group sync.WaitGroup
	for r := range readers {
		group.Go(func() {
			for i := r; i < len(fates) && errs[r] == nil; i += readers {
				out[i], errs[r] = read(ctx, fates[i].entry)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("reading what was counted: %w", err)
		}
	}
	return out, nil
}
