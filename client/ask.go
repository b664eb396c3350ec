package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// Pauses before an owner is looked for again.
const (
	askPause    = 5 * time.Millisecond
	askPauseMax = 200 * time.Millisecond
)

// requestBytes is room for most requests.
const requestBytes = 64

// ask calls the owner of a task, found by its head (R6). Where the store or the
// owner cannot be reached it asks again until ctx ends: the task may have moved,
// and a question changes nothing. A client that is closed meanwhile ends it with ErrClosed.
func (c *Client) ask(ctx context.Context, b *bound, q *wire.Request) (*wire.Answer, error) {
	ctx, cancel := c.whileOpen(ctx)
	defer cancel()
	return c.askWhile(ctx, b, q)
}

// askWhile is ask with a context that ends with the client, too.
func (c *Client) askWhile(ctx context.Context, b *bound, q *wire.Request) (*wire.Answer, error) {
	id, request := q.Task, wire.AppendRequest(make([]byte, 0, requestBytes), q)
	var before error
	for pause := askPause; ; pause = min(2*pause, askPauseMax) {
		answer, err := c.askOnce(ctx, b, id, request)
		switch {
		case err == nil && !answer.NotOwner:
			return answer, nil
		case err == nil:
			b.owned(id, answer.Address)
			err = fmt.Errorf("task %d of module %s is on the move", id, b.name)
		case c.open.Err() != nil:
			return nil, ErrClosed
		case ctx.Err() != nil && errors.Is(before, transport.ErrNoListener):
			return nil, before // which says more than that the time was over in the middle of the next call
		case errors.Is(err, ErrNoOwner) || ctx.Err() != nil:
			return nil, err
		default:
			b.owned(id, "")
		}
		before = err
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			if c.open.Err() != nil {
				return nil, ErrClosed
			}
			return nil, err
		case <-timer.C:
		}
	}
}

func (c *Client) askOnce(ctx context.Context, b *bound, id task.ID, request []byte) (*wire.Answer, error) {
	address, err := c.ownerOf(ctx, b, id)
	if err != nil {
		return nil, err
	}
	raw, err := c.link.Call(ctx, address, request)
	if err != nil {
		return nil, fmt.Errorf("asking worker %s: %w", address, err)
	}
	return wire.ParseAnswer(raw)
}

// ErrNoOwner: no worker has ever taken the task that was to be asked.
var ErrNoOwner = errors.New("no worker has taken it yet")

// ownerOf returns the address in the head of a task's slot.
func (c *Client) ownerOf(ctx context.Context, b *bound, id task.ID) (string, error) {
	if address := b.knownOwner(id); address != "" {
		return address, nil
	}
	slot := b.slots[id]
	reads := [1]store.Read{headRead(slot)}
	head, err := c.config.Store.Read(ctx, slot, reads[:])
	if err != nil {
		return "", fmt.Errorf("finding the owner of task %d: %w", id, err)
	}
	if head.Address == "" {
		return "", fmt.Errorf("task %d of module %s has no owner: %w", id, b.name, ErrNoOwner)
	}
	b.owned(id, head.Address)
	return head.Address, nil
}

// knownOwner is who owned a task when last heard of; "": nobody is known.
func (b *bound) knownOwner(id task.ID) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.owners[id]
}

func (b *bound) owned(id task.ID, address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owners[id] = address
}

// headRead is a question that has a store look at the head.
func headRead(slot store.Slot) store.Read {
	return store.Read{Kind: store.Len, Table: wire.ParkedTable(slot.Tag)}
}
