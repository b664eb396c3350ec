package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/module"
)

// chance is what can become of an operation, whatever comes before what.
type chance int

const (
	sure     chance = iota // its account always has enough
	hopeless               // its account never has
	open                   // it depends
)

// order is an operation and what its appender was told.
type order struct {
	account, peer, id string
	cents             int64 // that the account gets
	chance            chance
	outcome           outcome
}

// bankRun operates on two kinds of accounts: rich ones, which nothing that happens can
// empty, so that what becomes of an operation does not depend on the order in which
// things happen; and poor ones, which live of what they get, and refuse what they cannot pay.
//
// An appender that does not know the outcome appends the operation again, under its id.
type bankRun struct {
	bank bank.Bank

	mu         sync.Mutex
	orders     []order
	repeated   int     // appends of what was appended before
	strange    []error // what no append, and no read, may return
	unanswered int     // operations that are not among the orders
}

const (
	richCount, poorCount = 20, 10
	fortune              = 1_000_000_000 // cents, of each rich account
	giftMax              = 20            // what is sure is at most so much,
	paymentMax           = 50            // what is open so much,
	dream                = fortune * 1_000_000
	// lastly is how long the last credits may take that nobody waits for.
	lastly = 30 * time.Second
)

func rich(i int) string { return fmt.Sprintf("rich-%02d", i) }
func poor(i int) string { return fmt.Sprintf("poor-%02d", i) }

func (r *bankRun) Module() module.Module { return &r.bank }

// prepare makes the rich accounts rich.
func (r *bankRun) prepare(ctx context.Context, c *client.Client) error {
	for i := range richCount {
		o := order{account: rich(i), id: "fortune", cents: fortune}
		var err error
		if _, o.outcome, err = send(ctx, c, r.bank.Operations, o.operation()); err != nil || o.outcome != acked {
			return fmt.Errorf("paying into %s: outcome %d, %w", o.account, o.outcome, err)
		}
		r.orders = append(r.orders, o)
	}
	return nil
}

// drawn is the operation of a number of a loop.
func drawn(loop string, n int) order {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(loop)) // never fails
	random := rand.New(rand.NewPCG(hash.Sum64(), uint64(n)))
	o := order{id: fmt.Sprintf("%s-%06d", loop, n), account: rich(random.IntN(richCount)), peer: poor(random.IntN(poorCount))}
	gift := 1 + random.Int64N(giftMax)
	switch random.IntN(10) {
	case 0, 1, 2:
		o.cents = -gift
	case 3:
		o.cents, o.peer = -gift, rich((random.IntN(richCount)))
		if o.peer == o.account {
			o.peer = poor(0)
		}
	case 4:
		o.cents, o.peer = gift, ""
	case 5:
		o.cents, o.peer = -gift, ""
	case 6:
		o.cents, o.chance = -dream, hopeless
	default:
		o.cents, o.chance = -1-random.Int64N(paymentMax), open
		o.account, o.peer = o.peer, o.account
	}
	return o
}

func (o *order) operation() bank.Operation {
	switch {
	case o.peer != "":
		return bank.Transfer{ID: o.id, From: o.account, To: o.peer, Cents: -o.cents}
	case o.cents < 0:
		return bank.Withdrawal{ID: o.id, Account: o.account, Cents: -o.cents}
	}
	return bank.Deposit{ID: o.id, Account: o.account, Cents: o.cents}
}

// append appends an operation until it knows what became of it, some of them once more,
// and looks at the account.
func (r *bankRun) append(c *client.Client, loop string, n int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	o, again := drawn(loop, n), 0
	for o.outcome != acked && o.outcome != refused {
		if again > 0 {
			pause(ctx, 20*time.Millisecond)
		}
		again++
		if !r.one(ctx, c, &o) {
			return false
		}
	}
	if n%10 == 9 && o.chance != open {
		first := o.outcome
		again++
		if r.one(ctx, c, &o) && (o.outcome == acked || o.outcome == refused) && o.outcome != first {
			r.note(fmt.Errorf("operation %s: outcome %d, and %d when it was appended again", o.id, first, o.outcome))
		}
		o.outcome = first
	}
	have, err := r.bank.Balances.Key(o.account).Get(c.At(ctx))
	if err == nil && have < 0 { // an error: Redis is away
		r.note(fmt.Errorf("account %s is read with %d cents", o.account, have))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders = append(r.orders, o)
	r.repeated += again - 1
	return o.outcome == acked
}

// one appends an operation once, and reports whether that ended as it may.
func (r *bankRun) one(ctx context.Context, c *client.Client, o *order) bool {
	var err error
	_, o.outcome, err = send(ctx, c, r.bank.Operations, o.operation())
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		r.note(fmt.Errorf("operation %s: %w", o.id, err))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unanswered++
	}
	return err == nil
}

func (r *bankRun) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.strange = append(r.strange, err)
}
