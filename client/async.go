package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/telemetry"
)

// StartRecord begins an append; programs call Start of a depot's handle (promise 4.18). It
// implements module.Starter.
func (c *Client) StartRecord(ctx context.Context, r module.Record) *module.Pending {
	p, settle := module.NewPending()
	end := func(error) {}
	if c.config.Tracing != nil {
		inner, span := telemetry.StartAppend(ctx, c.config.Tracing, r.Module+"."+r.Depot)
		ctx, end = inner, func(err error) { telemetry.EndAppend(span, err) }
	}
	c.sendAsync(ctx, r, func(acks module.Acks, err error) {
		end(err)
		settle(acks, err)
	})
	return p
}

// sendAsync is SendRecord that calls done, once, instead of waiting.
func (c *Client) sendAsync(ctx context.Context, r module.Record, done func(module.Acks, error)) {
	a := c.begin(ctx, r, r.Level == module.AckAll)
	go func() { done(a.settle(ctx)) }()
}

// BulkConfig says how a Bulk appends. The zero value is usable.
type BulkConfig struct {
	// Window is how many appends are under way at most; default 1,000.
	Window int
	// Failed, if set, is told of each record that failed, with its number in the order of
	// Append, counted from 0; from any goroutine, one call at a time. Default: Close
	// returns the errors.
	Failed func(number int64, err error)
}

// failuresKept bounds the errors that a Bulk returns.
const failuresKept = 10

// Bulk appends many records, with a window of appends that are under way.
type Bulk[T any] struct {
	c      *Client
	d      module.Depot[T]
	config BulkConfig
	window chan struct{}
	group  sync.WaitGroup
	next   int64

	mu       sync.Mutex
	failed   int
	failures []error
}

// NewBulk returns a Bulk for a depot. Use it from one goroutine, and close it.
func NewBulk[T any](c *Client, d module.Depot[T], config BulkConfig) *Bulk[T] {
	if config.Window <= 0 {
		config.Window = 1000
	}
	return &Bulk[T]{c: c, d: d, config: config, window: make(chan struct{}, config.Window)}
}

// Append begins to append a record; it waits while the window is full. Records of one
// partition lie there in the order of the calls. An error says that this record was not
// begun: that ctx ended, or that the record does not encode. What becomes of it later, Close says.
func (b *Bulk[T]) Append(ctx context.Context, v T, options ...module.AppendOption) error {
	r, err := b.d.Record(v, options...)
	if err != nil {
		return err
	}
	select {
	case b.window <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	number := b.next
	b.next++
	b.group.Add(1)
	b.c.sendAsync(ctx, r, func(_ module.Acks, err error) {
		if err != nil {
			b.note(number, err)
		}
		<-b.window
		b.group.Done()
	})
	return nil
}

func (b *Bulk[T]) note(number int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.config.Failed != nil {
		b.config.Failed(number, err)
		return
	}
	if b.failed++; len(b.failures) < failuresKept {
		b.failures = append(b.failures, fmt.Errorf("record %d: %w", number, err))
	}
}

// Close waits until all that was begun has come to its end. It returns the first errors,
// and how many there were, unless Config.Failed was told of them.
func (b *Bulk[T]) Close() error {
	b.group.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d records failed: %w", b.failed, b.next, errors.Join(b.failures...))
}
