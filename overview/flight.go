package overview

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
)

// flights are the looks at a module: one at a time, which serves all who wait for it.
type flights struct {
	mu    sync.Mutex
	under *flight // nil: none
	stale bool    // something was changed since the last look began
	last  *Module
	ended time.Time     // of the last look
	took  time.Duration // it
	// described is what the module has registered, as it was last read.
	described *client.Description
}

// flight is a look that is under way.
type flight struct {
	done    chan struct{} // closed when what follows is there
	module  *Module
	err     error
	began   time.Time
	waiting int                // who waits for it
	again   int                // of them, who wait for the next one
	cancel  context.CancelFunc // when nobody does any more
	left    bool               // nobody did: what it says is not for who comes later
	change  bool               // it is to see what was changed before it began
}

// recently is how old a look may be for what stands beside a page's content.
const recently = 5 * time.Second

// Module tells how a module is. What it returns is shared: it is to be read only. Errors:
// client.ErrNoModule, and those of ctx.
func (o *Overview) Module(ctx context.Context, name string) (*Module, error) {
	return o.module(ctx, name, 0)
}

// Recent is Module for who does not mind some seconds: a look that is not older than those is not
// waited for anew.
func (o *Overview) Recent(ctx context.Context, name string) (*Module, error) {
	return o.module(ctx, name, recently)
}

func (o *Overview) module(ctx context.Context, name string, age time.Duration) (*Module, error) {
	w := o.watched(name)
	for {
		w.mu.Lock()
		if w.fresh(o.config.Now(), max(age, o.config.Period, w.took)) {
			defer w.mu.Unlock()
			return w.last, nil
		}
		f, missed := w.under, w.stale
		if f == nil {
			f, missed = o.begin(ctx, w, name), false
		}
		missed = missed || f.left
		f.count(missed, 1)
		w.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			w.leave(f, missed)
			return nil, fmt.Errorf("module %s: waiting for a look at it: %w", name, ctx.Err())
		}
		if !missed { // else something was changed while it looked, or nobody waited for it
			return f.module, f.err
		}
	}
}

// fresh reports whether the last look says enough.
func (w *flights) fresh(now time.Time, age time.Duration) bool {
	return !w.stale && w.last != nil && now.Sub(w.ended) < age
}

func (w *flights) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale = true
}

// count counts who waits.
func (f *flight) count(missed bool, n int) {
	f.waiting += n
	if missed {
		f.again += n
	}
}

// leave is called by who waits no more. A look for which nobody waits ends.
func (w *flights) leave(f *flight, missed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.count(missed, -1); f.waiting == 0 {
		f.left = true
		f.cancel()
	}
}

// begin has a look begin, which is not the caller's alone: it goes on while anybody waits.
func (o *Overview) begin(ctx context.Context, w *watched, name string) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel, began: o.config.Now(), change: w.stale}
	w.under, w.stale = f, false
	go func() {
		defer cancel()
		m, err := o.look(ctx, w, name, f.began)
		o.land(w, name, f, m, err)
	}()
	return f
}

// land has all who wait told. The age of what was seen counts from here: looks that take long
// would else never be shared.
func (o *Overview) land(w *watched, name string, f *flight, m *Module, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.module, f.err = m, err
	w.under = nil
	if err == nil && !f.left {
		w.last, w.ended = m, o.config.Now()
		w.took = w.ended.Sub(f.began)
	} else {
		w.stale = w.stale || f.change // nobody has seen the change yet
	}
	if err != nil && f.again == 0 && (w.last == nil || errors.Is(err, client.ErrNoModule)) {
		o.unwatch(name, w)
	}
	close(f.done)
}

// Describe is what a module has registered. While the log does not say, it is what it said
// before. Errors: client.ErrNoModule, and those of ctx and of a log that has never said it.
func (o *Overview) Describe(ctx context.Context, name string) (client.Description, error) {
	w := o.watched(name)
	d, err := o.describe(ctx, w, name)
	if errors.Is(err, client.ErrNoModule) {
		o.unwatch(name, w)
	}
	return d, err
}

// describe reads what a module has registered. While the log does not say, it is what it said.
func (o *Overview) describe(ctx context.Context, w *watched, name string) (client.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.ServerTimeout)
	defer cancel()
	d, err := o.config.Cluster.Describe(ctx, name)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.described = &d
	case w.described != nil && !errors.Is(err, client.ErrNoModule):
		return *w.described, nil
	}
	return d, err
}
