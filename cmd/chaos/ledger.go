package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// entry is one record: its id, and what it does.
type entry struct {
	ID    string
	Group int // of the account that it counts towards
}

// ledger counts each record by its id: nothing in it is idempotent, so a record
// that takes effect twice shows 2.
type ledger struct {
	// Singles do not hop: they count exactly once.
	Singles module.Depot[entry]
	// Pairs hop to their group: they count at least once.
	Pairs module.Depot[entry]

	Count  pstate.Map[string, int] // of singles, by id
	Sent   pstate.Map[string, int] // of pairs, by id
	Groups pstate.Map[int, int]    // sums of what arrived, by group
	Seen   pstate.MapOf[int, pstate.Map[string, int]]
	arrive module.Step[entry]
}

const ledgerName = "Ledger"

func (m *ledger) ModuleName() string { return ledgerName }

func (m *ledger) Define(b *module.Builder) {
	module.HashDepot(b, &m.Singles, "singles", func(e entry) string { return e.ID })
	module.HashDepot(b, &m.Pairs, "pairs", func(e entry) string { return e.ID })
	s := b.Stream("ledger")
	s.PState(&m.Count, "count")
	s.PState(&m.Sent, "sent")
	s.PState(&m.Groups, "groups")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.arrive, "arrive", module.At(&m.Groups, func(e entry) int { return e.Group }), func(ev *module.Event, e entry) error {
		agg.Inc(ev, m.Groups.Key(e.Group))
		agg.Inc(ev, m.Seen.Key(e.Group).Key(e.ID))
		return nil
	})
	module.DeclareSource(s, m.Singles, func(ev *module.Event, e entry) error {
		agg.Inc(ev, m.Count.Key(e.ID))
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(1000))
	module.DeclareSource(s, m.Pairs, func(ev *module.Event, e entry) error {
		agg.Inc(ev, m.Sent.Key(e.ID))
		m.arrive.Send(ev, e)
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(1000))
}

// fate is a record and its outcome.
type fate struct {
	entry
	outcome outcome
}

// ledgerRun appends singles and pairs.
type ledgerRun struct {
	ledger ledger

	mu      sync.Mutex
	singles []fate
	pairs   []fate
	strange []error // what no append may return
}

const groupCount = 50

func (r *ledgerRun) Module() module.Module { return &r.ledger }

func (r *ledgerRun) prepare(context.Context, *client.Client) error { return nil }

// append appends singles and pairs in turns.
func (r *ledgerRun) append(c *client.Client, loop string, n int) bool {
	f := fate{entry: entry{ID: fmt.Sprintf("%s-%06d", loop, n), Group: n % groupCount}}
	depot, fates := r.ledger.Singles, &r.singles
	if n%2 == 1 {
		depot, fates = r.ledger.Pairs, &r.pairs
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	var err error
	_, f.outcome, err = send(ctx, c, depot, f.entry)
	r.mu.Lock()
	defer r.mu.Unlock()
	*fates = append(*fates, f)
	if err != nil {
		r.strange = append(r.strange, fmt.Errorf("record %s: %w", f.ID, err))
	}
	return f.outcome == acked
}

// check reads the state of every record.
func (r *ledgerRun) check(ctx context.Context, c *client.Client) (*verdict, error) {
	m, v := &r.ledger, &verdict{what: "single-event trees doubled", strange: r.strange}
	singles, err := readAll(ctx, r.singles, func(ctx context.Context, f fate) (int, error) {
		return m.Count.Key(f.ID).Get(c.At(ctx))
	})
	if err != nil {
		return nil, err
	}
	pairs, err := readAll(ctx, r.pairs, func(ctx context.Context, f fate) (int, error) {
		return m.Seen.Key(f.Group).Key(f.ID).Get(c.At(ctx))
	})
	if err != nil {
		return nil, err
	}
	unsure, repeated := 0, 0
	for i, f := range r.singles {
		unsure += f.judge(v, "single", singles[i])
		if singles[i] > 1 {
			v.doubled = append(v.doubled, fmt.Sprintf("single %s counts %d times", f.ID, singles[i]))
		}
	}
	for i, f := range r.pairs {
		unsure += f.judge(v, "pair", pairs[i])
		if pairs[i] > 1 { // as at least once allows
			repeated++
		}
	}
	v.tell("outcome unknown %d", unsure)
	v.tell("pairs that arrived twice %d", repeated)
	return v, nil
}

// judge counts a record, and returns 1 if no answer told its outcome.
func (f *fate) judge(v *verdict, what string, count int) (unsure int) {
	switch {
	case f.outcome == acked:
		v.appends++
		if count == 0 {
			v.lost = append(v.lost, fmt.Sprintf("%s %s was acked and does not count", what, f.ID))
		}
	case f.outcome == unknown:
		return 1
	case count > 0: // absent
		v.strangely("%s %s was said not to be appended, and counts %d times", what, f.ID, count)
	}
	return 0
}
