package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// Classes of errors of queries, for errors.Is; they are those of package module.
// *QueryError says more.
var (
	ErrNoQuery       = module.ErrNoQuery       // the module that runs has no query of that name
	ErrArgument      = module.ErrArgument      // the argument is not of the type that the query wants
	ErrQueryFailed   = module.ErrQueryFailed   // the query's own function returned an error
	ErrQueryLate     = module.ErrQueryLate     // it took longer than the query may
	ErrQueryTooLarge = module.ErrQueryTooLarge // its result is larger than an answer may be
)

// QueryError is a query that has no answer.
type QueryError = module.QueryError

// SendQuestion asks a query of a module that runs: of a worker of the module, each time
// another one. Where that cannot be reached it asks another: a question changes nothing.
// The answer is in its stored form, which is JSON. Errors: *QueryError; ErrNoModule.
func (c *Client) SendQuestion(ctx context.Context, q module.Question) ([]byte, error) {
	ctx, cancel := c.whileOpen(ctx)
	defer cancel()
	b, err := c.named(ctx, q.Module)
	if err != nil {
		return nil, err
	}
	var raw []byte
	err = c.anyone(ctx, b, turn.Add(1), func(id task.ID, address string) (answered bool, err error) {
		raw, err = c.query(ctx, b, id, address, q)
		return !errors.Is(err, transport.ErrNoListener), err
	})
	if err != nil {
		return nil, fmt.Errorf("query %s.%s: %w", q.Module, q.Query, err)
	}
	return q.Answer(raw)
}

// turn has each question go to another task's owner.
var turn atomic.Uint64

func (c *Client) query(ctx context.Context, b *bound, id task.ID, address string, q module.Question) ([]byte, error) {
	request := wire.Request{Module: q.Module, Task: id, Query: &wire.QueryRequest{Name: q.Query, Argument: q.Argument}}
	raw, err := c.link.Call(ctx, address, wire.AppendRequest(nil, &request))
	if err != nil {
		return nil, fmt.Errorf("asking worker %s: %w", address, err)
	}
	return raw, nil
}

var _ module.Asker = (*Client)(nil)
