package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/bankmicrobatch"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// microRun moves money between rich accounts in microbatches, and reads snapshots: nothing
// is refused, so each transfer that is in the depot must be in both histories, each balance
// must be the sum of its history, and the total must be what was paid in, at every
// snapshot.
type microRun struct {
	bank bankmicrobatch.Bank

	mu        sync.Mutex
	orders    []transfer
	strange   []error // what no append may return, and no snapshot show
	snapshots int
	moved     int // that did not get through
}

// transfer is an operation and its outcome.
type transfer struct {
	bankmicrobatch.Operation
	outcome outcome
	there   bool // in both histories, in the end
}

const (
	microAccounts = 40
	microPaid     = int64(1_000_000_000) // to each
	// microLook is how many appends of a loop come between two snapshots.
	microLook = 10
)

func microAccount(i int) string { return fmt.Sprintf("account-%d", i%microAccounts) }

func (r *microRun) Module() module.Module { return &r.bank }

// prepare makes all accounts rich.
func (r *microRun) prepare(ctx context.Context, c *client.Client) error {
	for i := range microAccounts {
		o := bankmicrobatch.Operation{ID: fmt.Sprint("paid-", i), To: microAccount(i), Cents: microPaid}
		if _, became, err := send(ctx, c, r.bank.Operations, o); err != nil || became != acked {
			return fmt.Errorf("paying in: outcome %d: %w", became, cmp.Or(err, errors.New("not acked")))
		}
	}
	return c.WaitMicrobatches(ctx, r.bank.ModuleName(), bankmicrobatch.Topology, microAccounts)
}

// append appends a transfer; it is acked when it is in the depot. Now and then it reads a
// snapshot.
func (r *microRun) append(c *client.Client, loop string, n int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if n%microLook == 0 {
		r.look(ctx, c)
	}
	t := transfer{Operation: bankmicrobatch.Operation{ID: fmt.Sprintf("%s-%06d", loop, n), From: microAccount(n), To: microAccount(7*n + 1 + len(loop)), Cents: 1 + int64(n%90)}}
	if t.From == t.To {
		t.To = microAccount(n + 1)
	}
	var err error
	_, t.outcome, err = send(ctx, c, r.bank.Operations, t.Operation)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders = append(r.orders, t)
	if err != nil {
		r.strange = append(r.strange, fmt.Errorf("transfer %s: %w", t.ID, err))
	}
	return t.outcome == acked
}

// look sums up a snapshot. Where the store is away there is none.
func (r *microRun) look(ctx context.Context, c *client.Client) {
	total, id, err := r.total(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, client.ErrMoved):
		r.moved++
	case err != nil:
	case total != microAccounts*microPaid:
		r.strange = append(r.strange, fmt.Errorf("at microbatch %d the accounts hold %d, %d were paid in", id, total, microAccounts*microPaid))
	default:
		r.snapshots++
	}
}

func (r *microRun) total(ctx context.Context, c *client.Client) (total int64, id uint64, err error) {
	err = c.Snapshot(ctx, r.bank.ModuleName(), bankmicrobatch.Topology, func(at pstate.Reader, n uint64) error {
		total, id = 0, n
		for i := range microAccounts {
			have, err := r.bank.Balances.Key(microAccount(i)).Get(at)
			if err != nil {
				return err
			}
			total += have
		}
		return nil
	})
	return total, id, err
}

// settleTime is how long the last microbatches may take when all is mended.
const settleTime = 2 * time.Minute

// check waits until what was acked is processed, and reads the books.
func (r *microRun) check(ctx context.Context, c *client.Client) (*verdict, error) {
	v := &verdict{what: "doubled", strange: r.strange}
	for _, t := range r.orders {
		if t.outcome == acked {
			v.appends++
		}
	}
	wait, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := c.WaitMicrobatches(wait, r.bank.ModuleName(), bankmicrobatch.Topology, int64(microAccounts+v.appends)); err != nil {
		v.strangely("not all microbatches are applied %v after all was mended: %w", settleTime, err)
	}
	if err := r.books(ctx, c, v); err != nil {
		return nil, err
	}
	info, err := c.Microbatches(ctx, r.bank.ModuleName(), bankmicrobatch.Topology)
	if err != nil {
		return nil, err
	}
	v.tell("microbatches %d of %d records", info.Applied, info.Records)
	v.tell("snapshots %d, that did not get through %d", r.snapshots, r.moved)
	return v, nil
}

// books holds the histories against the transfers, and the balances against the histories.
func (r *microRun) books(ctx context.Context, c *client.Client, v *verdict) error {
	type sides struct{ in, out int64 }
	all, err := readAll(ctx, r.orders, func(ctx context.Context, t transfer) (s sides, err error) {
		at := c.At(ctx)
		if s.in, err = r.bank.History.Key(t.To).Key(t.ID).Get(at); err != nil {
			return s, err
		}
		s.out, err = r.bank.History.Key(t.From).Key(t.ID).Get(at)
		return s, err
	})
	if err != nil {
		return err
	}
	sums := map[string]int64{}
	unsure := 0
	for i, t := range r.orders {
		s := all[i]
		sums[t.To] += s.in
		sums[t.From] += s.out
		there := s.in == t.Cents && s.out == -t.Cents
		r.orders[i].there = there
		switch {
		case !there && (s.in != 0 || s.out != 0):
			v.strangely("transfer %s of %d changed its accounts by %d and %d", t.ID, t.Cents, s.in, s.out)
		case t.outcome == acked && !there:
			v.lost = append(v.lost, fmt.Sprintf("transfer %s was acked and is in no history", t.ID))
		case t.outcome == unknown:
			unsure++
		case t.outcome == absent && there:
			v.strangely("transfer %s was said not to be appended, and is in the histories", t.ID)
		}
	}
	v.tell("outcome unknown %d", unsure)
	for i := range microAccounts {
		name := microAccount(i)
		have, err := r.bank.Balances.Key(name).Get(c.At(ctx))
		if err != nil {
			return err
		}
		if want := microPaid + sums[name]; have != want {
			v.doubled = append(v.doubled, fmt.Sprintf("%s has %d, its history adds up to %d", name, have, want))
		}
	}
	total, id, err := r.total(ctx, c)
	if err != nil {
		return err
	}
	if total != microAccounts*microPaid {
		v.strangely("in the end, at microbatch %d, the accounts hold %d, %d were paid in", id, total, microAccounts*microPaid)
	}
	return nil
}
