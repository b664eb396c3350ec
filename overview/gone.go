package overview

import (
	"context"
	"sync"

	"github.com/coppice-run/coppice/client"
)

// gone are the workers that could not be reached in this look: their other tasks are not
// asked for.
type gone struct {
	mu        sync.Mutex
	addresses map[string]error
}

func (g *gone) of(address string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addresses[address]
}

func (g *gone) add(address string, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.addresses == nil {
		g.addresses = map[string]error{}
	}
	g.addresses[address] = why
}

func (g *gone) all() map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[string]string, len(g.addresses))
	for address, why := range g.addresses {
		all[address] = why.Error()
	}
	return all
}

// WithoutGone has what is asked of all workers leave out those that the look could not reach: to
// wait for them once more would tell nothing. Their tasks are told of as missing.
func (m *Module) WithoutGone(ctx context.Context) context.Context {
	return client.Without(ctx, m.gone)
}

// withoutGone is that of the last look.
func (w *flights) withoutGone(ctx context.Context) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return ctx
	}
	return w.last.WithoutGone(ctx)
}
