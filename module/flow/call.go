package flow

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/module"
)

// EachAsync calls the outside: another service, a database, a mailer. f runs beside the
// task, which goes on meanwhile, and what is behind it is an event of its own, on the same
// task, with what f returned. f may run more than once for one record, and its error
// fails the event; see module.DeclareCall, which says more.
func EachAsync[A, T any](b *Block, f func(context.Context, A) (T, error), a Expr[A], options ...HopOption) Var[T] {
	n := b.put("EachAsync", callText(f, a), 1, a)
	n.needs(f == nil, "func(context.Context, "+typeName[A]()+") ("+typeName[T]()+", error)")
	c := &outside[A, T]{hop: newHop(b, n, options), f: f, a: a, result: result[T](b, n)}
	c.key = func(x *run) uint64 { return x.key }
	b.flow.hops = b.flow.hops[:len(b.flow.hops)-1]
	b.flow.calls = append(b.flow.calls, c)
	n.do = c.start
	return c.result
}

// outside is a call. Its packet is the argument, with its length, and what is used behind
// the call; that of the answer has the result in the argument's place.
type outside[A, T any] struct {
	*hop
	f      func(context.Context, A) (T, error)
	a      Expr[A]
	result Var[T]
	call   module.Call[packet]
	arg    codec.Codec[A]
	res    codec.Codec[T]
}

func (c *outside[A, T]) declare() {
	layout := c.settle()
	g, n := c.node.flow, c.node
	var err error
	if c.arg, err = codec.Choose[A](c.codecs); err != nil {
		n.mistake("calls with a "+typeName[A]()+": "+err.Error(), "what a call is made with must survive a crash")
	}
	if c.res, err = codec.Choose[T](c.codecs); err != nil {
		n.mistake("returns a "+typeName[T]()+": "+err.Error(), "what a call returns must survive a process boundary")
	}
	stream := g.front.Stream()
	switch {
	case stream == nil:
		n.mistake("calls the outside from a microbatch", "calls are for streams: append to a depot that a stream reads")
		return
	case len(c.former) > 0:
		n.mistake("has a former name", "calls to the outside keep their names")
	}
	layout = typeName[A]() + ", " + layout
	g.front.Declare(n.line, func() {
		plan := module.DeclareCallTo(stream, &c.call, c.name, c.run, c.arrive, carriedAs(layout))
		plan.Codec, plan.Type, plan.Placement = layout, "variables", "outside, "+typeName[T]()+" comes back"
	})
}

// start has the call made.
func (c *outside[A, T]) start(x *run) error {
	arg := c.a.eval(x)
	raw, err := appendSized(x.raw[:0], func(dst []byte) ([]byte, error) { return c.arg.Append(dst, &arg) })
	if err != nil {
		return fmt.Errorf("%s: the call's argument does not encode: %w", c.node.line, err)
	}
	if err := c.pack(x, raw); err != nil {
		return err
	}
	c.call.Start(x.ev, x.raw)
	return nil
}

// run makes the call.
func (c *outside[A, T]) run(ctx context.Context, p packet) (packet, error) {
	raw, rest, ok := cutSized(p)
	var arg A
	if !ok {
		return nil, module.Park(fmt.Errorf("call %q: what it was started with is too short", c.name))
	}
	if err := c.arg.Decode(raw, &arg); err != nil {
		return nil, module.Park(fmt.Errorf("call %q: its argument does not decode: %w", c.name, err))
	}
	result, err := c.f(ctx, arg)
	if err != nil {
		return nil, err
	}
	out, err := appendSized(nil, func(dst []byte) ([]byte, error) { return c.res.Append(dst, &result) })
	if err != nil {
		return nil, module.Park(fmt.Errorf("call %q: its result does not encode: %w", c.name, err))
	}
	return append(out, rest...), nil
}

// arrive goes on with the result.
func (c *outside[A, T]) arrive(ev *module.Event, p packet) error {
	raw, rest, ok := cutSized(p)
	var result T
	if !ok {
		return module.Park(fmt.Errorf("call %q: what came back is too short", c.name))
	}
	if err := c.res.Decode(raw, &result); err != nil {
		return module.Park(fmt.Errorf("call %q: its result does not decode: %w", c.name, err))
	}
	g := c.node.flow
	x := g.begin(ev)
	c.result.set(x, result)
	if err := c.unpack(x, rest); err != nil {
		return module.Park(err)
	}
	return g.end(x, x.follow(c.node, 0))
}
