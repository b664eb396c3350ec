package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/pstate"
)

// line is one side of an operation: a line in the history of an account.
type line struct{ at, account, id string }

// book is what the bank has of an account.
type book struct {
	name          string
	balance, cash int64
	sum, paid     int64 // by the history: of all, and of what was paid in or out
	lines         map[line]int
}

// check holds the books against what appenders know: each operation is there once, on
// both sides, or not at all; what is sure is there and what is hopeless is not; each
// balance is the sum of its history, and of the operations that are there.
func (r *bankRun) check(ctx context.Context, c *client.Client) (*verdict, error) {
	v := &verdict{what: "doubled", strange: r.strange}
	var names []string
	for i := range richCount {
		names = append(names, rich(i))
	}
	for i := range poorCount {
		names = append(names, poor(i))
	}
	if r.unanswered > 0 {
		v.what = "doubled (not looked at: appends are unanswered)"
		return v, nil // who waits for nothing cannot tell what is missing
	}
	if err := r.settle(ctx, c, names, v); err != nil {
		return nil, err
	}
	books, err := readAll(ctx, names, func(ctx context.Context, name string) (*book, error) { return r.read(ctx, c, name) })
	if err != nil {
		return nil, err
	}
	lines := map[line]int{}
	for _, b := range books {
		b.judge(v)
		for l, n := range b.lines {
			lines[l] += n
		}
	}
	fold := map[string]int64{}
	turned, refusals := 0, 0
	for i := range r.orders {
		o := &r.orders[i]
		turned += o.judge(v, lines, fold)
		if o.outcome == refused {
			refusals++
		}
	}
	for l := range lines {
		v.strangely("the history of %s has a line of operation %s of %s, which nobody appended", l.at, l.id, l.account)
	}
	for _, b := range books {
		if fold[b.name] != b.balance {
			v.doubled = append(v.doubled, fmt.Sprintf("account %s has %d cents, its operations add up to %d", b.name, b.balance, fold[b.name]))
		}
	}
	v.tell("operations refused %d", refusals)
	v.tell("appended again %d", r.repeated)
	v.tell("ended otherwise after a lost tail %d", turned)
	return v, nil
}

// settle waits until the credits have arrived that nobody waits for.
func (r *bankRun) settle(ctx context.Context, c *client.Client, names []string, v *verdict) error {
	for until := time.Now().Add(lastly); ; pause(ctx, 100*time.Millisecond) {
		held, err := readAll(ctx, names, func(ctx context.Context, name string) (int64, error) {
			have, err := r.bank.Balances.Key(name).Get(c.At(ctx))
			cash, cashErr := r.bank.Cash.Key(name).Get(c.At(ctx))
			return have - cash, errors.Join(err, cashErr)
		})
		if err != nil {
			return err
		}
		var missing int64
		for _, n := range held {
			missing -= n
		}
		if missing == 0 {
			return nil
		}
		if time.Now().After(until) || ctx.Err() != nil {
			what := fmt.Sprintf("accounts hold %d cents less than was paid in, and nothing is under way any more", missing)
			if missing < 0 {
				v.doubled = append(v.doubled, what)
			} else {
				v.lost = append(v.lost, what)
			}
			return ctx.Err()
		}
	}
}

func (r *bankRun) read(ctx context.Context, c *client.Client, name string) (*book, error) {
	b := &book{name: name, lines: map[line]int{}}
	var err, cashErr error
	b.balance, err = r.bank.Balances.Key(name).Get(c.At(ctx))
	b.cash, cashErr = r.bank.Cash.Key(name).Get(c.At(ctx))
	if err := errors.Join(err, cashErr); err != nil {
		return nil, err
	}
	for e, err := range r.bank.History.Key(name).Range(c.At(ctx), pstate.All[bank.Moment]()) {
		if err != nil {
			return nil, err
		}
		l := line{at: name, account: name, id: e.Val.ID}
		if e.Val.Peer == "" {
			b.paid += e.Val.Cents
		} else if e.Val.Cents > 0 {
			l.account = e.Val.Peer
		}
		b.sum += e.Val.Cents
		b.lines[l]++
	}
	return b, nil
}

// judge holds an account against its own history: writes of one event, which are there
// together. An operation that took effect twice has its line once, since its moment is
// the same, and its cents twice.
func (b *book) judge(v *verdict) {
	switch {
	case b.balance < 0:
		v.strangely("account %s has %d cents", b.name, b.balance)
	case b.balance != b.sum:
		v.doubled = append(v.doubled, fmt.Sprintf("account %s has %d cents, its history adds up to %d", b.name, b.balance, b.sum))
	case b.cash != b.paid:
		v.doubled = append(v.doubled, fmt.Sprintf("account %s has paid in %d cents, by its history %d", b.name, b.cash, b.paid))
	}
}

// judge takes the lines of an operation out of the books and adds it to the fold. It
// returns 1 if the operation ended otherwise than its appender was told.
func (o *order) judge(v *verdict, lines map[line]int, fold map[string]int64) (turned int) {
	own := line{o.account, o.account, o.id}
	n := lines[own]
	delete(lines, own)
	if o.peer != "" {
		other := line{o.peer, o.account, o.id}
		if there := lines[other]; there != n {
			v.strangely("operation %s of %s is %d times in its books, and %d times in those of %s", o.id, o.account, n, there, o.peer)
		}
		delete(lines, other)
	}
	if n > 1 {
		v.doubled = append(v.doubled, fmt.Sprintf("operation %s of %s is %d times in its books", o.id, o.account, n))
	}
	if n > 0 {
		fold[o.account] += o.cents
		if o.peer != "" {
			fold[o.peer] -= o.cents
		}
	}
	if o.outcome == acked {
		v.appends++
	}
	switch {
	case o.outcome != acked && o.outcome != refused:
		return 0 // was noted
	case o.chance == sure && n == 0:
		v.lost = append(v.lost, fmt.Sprintf("operation %s of %s was answered with outcome %d and is not in the books", o.id, o.account, o.outcome))
	case o.chance == hopeless && n > 0, o.chance == sure && o.outcome == refused, o.chance == hopeless && o.outcome == acked:
		v.strangely("operation %s of %s, whose account has %s, was answered with outcome %d and is %d times in the books", o.id, o.account, [...]string{"always enough", "never enough"}[o.chance], o.outcome, n)
	case (n > 0) != (o.outcome == acked):
		return 1
	}
	return 0
}
