package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// What clients do in a process of their own.
const (
	clientOfOurs  = "client of ours"
	clientOfFloor = "client of the floor"
)

// order is what a client is to do: so many appenders append one after another, or, with a rate,
// appends begin so often whatever becomes of those before.
type order struct {
	Appenders int
	Each      int // appends of an appender
	Warm      int // appends of each before, which meet cold connections and do not count
	Rate      float64
	Length    time.Duration // of the appends at a rate
	Ask       string        // of those who do several things
}

// answer is what an order brought.
type answer struct {
	Err     string           `json:",omitempty"`
	Retried bool             `json:",omitempty"` // Err is errRetried
	Samples []time.Duration  `json:",omitempty"`
	Took    time.Duration    `json:",omitempty"`
	Late    time.Duration    `json:",omitempty"` // how much behind the schedule appends began, 99th percentile
	Fold    map[string]int64 `json:",omitempty"` // all appends so far, by key
	Maybe   map[string]int64 `json:",omitempty"` // appends of which nobody knows, beside those

	Tally      tally
	ResidentMB float64 // the most that the process had
}

// asker appends a record of a key, waits until its effects are committed and what the handler
// returned is back, and returns that: the count of the key.
type asker interface {
	ask(ctx context.Context, key string) (int64, error)
	close() error
}

// ackClient does what clients of ours and of the floor have in common.
type ackClient struct {
	asker
	mu       sync.Mutex
	appended map[string]int64
}

func newAckClient(a asker, err error) (orders, error) {
	if err != nil {
		return nil, err
	}
	return &ackClient{asker: a, appended: map[string]int64{}}, nil
}

// appenderKey is the key of an appender.
func appenderKey(appender int) string { return "key-" + strconv.Itoa(appender) }

func (c *ackClient) order(ctx context.Context, o order) (*answer, error) {
	if o.Rate > 0 {
		return c.atRate(ctx, o)
	}
	one := func(a, _ int) error { return c.next(ctx, appenderKey(a)) }
	if _, _, err := drive(o.Appenders, o.Warm, one); err != nil {
		return nil, err
	}
	samples, took, err := drive(o.Appenders, o.Each, one)
	if err != nil {
		return nil, err
	}
	return &answer{Samples: samples, Took: took, Fold: c.appended}, nil
}

// atRate appends by a schedule. Several appends of a key may be under way, so each count is
// looked at in the end only.
func (c *ackClient) atRate(ctx context.Context, o order) (*answer, error) {
	samples, late, took, err := schedule(ctx, o.Rate, o.Length, func(ctx context.Context, i int) error {
		key := appenderKey(i % openKeys)
		c.mu.Lock()
		c.appended[key]++
		c.mu.Unlock()
		_, err := c.ask(ctx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &answer{Samples: samples, Late: late, Took: took, Fold: c.appended}, nil
}

// next appends once more of a key that nobody else appends, and checks the count.
func (c *ackClient) next(ctx context.Context, key string) error {
	c.mu.Lock()
	c.appended[key]++
	want := c.appended[key]
	c.mu.Unlock()
	got, err := c.ask(ctx, key)
	if err == nil && got != want {
		err = fmt.Errorf("append %d of %s was answered with the count %d", want, key, got)
	}
	return err
}

// answering is a side that answers appends, ours or the floor's, with a client of it.
type answering struct {
	client  orders
	counted func(context.Context) (map[string]int64, error)
	stop    func()
	fold    map[string]int64
}

// hire starts the client of a side: in a process of its own, or in this one where what it
// takes is to be measured together with the rest.
func (a *answering) hire(ctx context.Context, apart bool, p role) (err error) {
	if apart {
		a.client, err = startChild(ctx, p)
	} else {
		a.client, err = roles[p.Does](ctx, p)
	}
	return err
}

func (a *answering) order(ctx context.Context, o order) (*answer, error) {
	out, err := a.client.order(ctx, o)
	if err != nil {
		return nil, err
	}
	a.fold = out.Fold
	return out, nil
}

// end compares what was counted with the plain fold of what the client appended, if all went
// well so far, and ends the side.
func (a *answering) end(ctx context.Context, failure error) error {
	if a.client != nil {
		failure = errors.Join(failure, a.client.close())
	}
	if failure == nil {
		counts, err := a.counted(ctx)
		if err == nil {
			err = (&input{fold: a.fold}).check(counts)
		}
		failure = err
	}
	a.stop()
	return failure
}

// once has a side that was started carry out one order.
func (a *answering) once(ctx context.Context, err error, o order) ([]time.Duration, time.Duration, error) {
	if err != nil {
		return nil, 0, err
	}
	out, err := a.order(ctx, o)
	if err = a.end(ctx, err); err != nil {
		return nil, 0, err
	}
	return out.Samples, out.Took, nil
}

// drive has so many appenders append one after another and collects latencies.
func drive(appenders, each int, appendOne func(appender, i int) error) (samples []time.Duration, took time.Duration, err error) {
	all := make([][]time.Duration, appenders)
	errs := make([]error, appenders)
	begin := time.Now()
	var group sync.WaitGroup
	for a := range appenders {
		group.Go(func() {
			for i := range each {
				t, err := timed(func() error { return appendOne(a, i) })
				if err != nil {
					errs[a] = err
					return
				}
				all[a] = append(all[a], t)
			}
		})
	}
	group.Wait()
	took = time.Since(begin)
	for a := range all {
		if errs[a] != nil {
			return nil, 0, errs[a]
		}
		samples = append(samples, all[a]...)
	}
	return samples, took, nil
}
