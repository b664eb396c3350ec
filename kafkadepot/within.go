package kafkadepot

import "context"

// within asks, and waits no longer than ctx goes: the client library has a request that stands
// behind others on its connection wait for their answers, whatever its context says. What ask
// returns after that is dropped.
func within[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	type answer struct {
		of  T
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		of, err := ask(ctx)
		answered <- answer{of, err}
	}()
	select {
	case a := <-answered:
		return a.of, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
