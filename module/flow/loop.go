package flow

import "sync"

// Loop is a loop with one variable: its body runs for the first value, and again for each
// that Continue gives, also behind hops. Where the body ends nothing follows, unless it
// emits or continues: what is put behind the loop runs once for each Emit.
//
// Within one event turns run one after another, in the order in which they were asked for.
// Behind a hop the loop goes on at the other task, as an event of its own, and turns that
// hopped apart run at the same time.
type Loop[A any] struct {
	*loop
	a Var[A]
}

// Loop2 is a loop with two variables.
type Loop2[A, B any] struct {
	*loop
	a Var[A]
	b Var[B]
}

// LoopWith puts a loop into the flow.
func LoopWith[A any](b *Block, first Expr[A], body func(l Loop[A], b *Block, a Var[A])) {
	l := newLoop(b, text(first), first)
	a := result[A](b, l.node)
	l.starts(func(x *run) []cell { return []cell{&box[A]{first.eval(x)}} })
	v := typeName[A]()
	l.node.needs(body == nil, "func(flow.Loop["+v+"], *flow.Block, flow.Var["+v+"])")
	l.fill(b, func(inner *Block) {
		if body != nil {
			body(Loop[A]{l, a}, inner, a)
		}
	})
}

// LoopWith2 puts a loop with two variables into the flow.
func LoopWith2[A, B any](b *Block, first Expr[A], second Expr[B], body func(l Loop2[A, B], b *Block, v Var[A], w Var[B])) {
	l := newLoop(b, text(first)+", "+text(second), first, second)
	v, w := result[A](b, l.node), result[B](b, l.node)
	l.starts(func(x *run) []cell { return []cell{&box[A]{first.eval(x)}, &box[B]{second.eval(x)}} })
	nameA, nameB := typeName[A](), typeName[B]()
	l.node.needs(body == nil, "func(flow.Loop2["+nameA+", "+nameB+"], *flow.Block, flow.Var["+nameA+"], flow.Var["+nameB+"])")
	l.fill(b, func(inner *Block) {
		if body != nil {
			body(Loop2[A, B]{l, v, w}, inner, v, w)
		}
	})
}

// Continue has the body run again with another value. The way ends here.
func (l Loop[A]) Continue(b *Block, a Expr[A]) {
	l.again(b, func(x *run) []cell { return []cell{&box[A]{a.eval(x)}} }, text(a), a)
}

// Continue has the body run again with other values. The way ends here.
func (l Loop2[A, B]) Continue(b *Block, v Expr[A], w Expr[B]) {
	l.again(b, func(x *run) []cell { return []cell{&box[A]{v.eval(x)}, &box[B]{w.eval(x)}} }, text(v)+", "+text(w), v, w)
}

// loop is what loops of all types have.
type loop struct {
	node  *node
	stage int
	index int  // among the loops of the flow
	exits []at // where it emits
	over  bool // its body is complete
}

// turn is one run of a loop's body that is still to come, with the variables that it
// begins with.
type turn struct {
	loop  *loop
	of    []*variable
	cells []cell
}

// work is the turns that a loop which is being gone through has to do.
type work struct{ turns []turn }

func newLoop(b *Block, text string, reads ...looker) *loop {
	l := &loop{node: b.put("LoopWith", text, 1, reads...), index: b.flow.loops, stage: b.stage}
	l.node.labels[0] = "turn"
	b.flow.loops++
	return l
}

// starts has the loop begin with some values.
func (l *loop) starts(first func(x *run) []cell) {
	l.node.do = func(x *run) error { return l.drain(x, turn{l, l.node.gives, first(x)}) }
}

// fill puts the body together, and moves b behind the loop.
func (l *loop) fill(b *Block, body func(*Block)) {
	b.fill(b.within(l.node, 0), body)
	l.over = true
	before := b.at
	if b.at = joined(l.exits...); len(l.exits) == 0 {
		b.at = at{have: before.have, maybe: before.maybe}
	}
}

// drain runs a turn, and all that it asks for in this event.
func (l *loop) drain(x *run, first turn) error {
	w := &work{turns: []turn{first}}
	x.loops[l.index] = w
	for i := 0; i < len(w.turns); i++ {
		t := w.turns[i]
		w.turns[i] = turn{}
		for j, v := range t.of {
			x.cells[v.id] = t.cells[j]
		}
		if err := x.follow(l.node, 0); err != nil {
			return err
		}
		if i >= 1024 { // what is done is let go
			w.turns = append(w.turns[:0], w.turns[i+1:]...)
			i = -1
		}
	}
	x.loops[l.index] = nil
	return nil
}

// Emit has what is put behind the loop run. The way ends here; to go on besides, put it
// into a flow.Branch.
func (l *loop) Emit(b *Block) {
	n := b.put("Emit", "", 1)
	n.simply(func(*run) error { return nil })
	l.check(b, n)
	n.labels[0] = "emits"
	l.exits = append(l.exits, b.at.copied())
	b.outlets = nil
}

// again puts a Continue into the body. An event that began within the loop keeps all that
// the turn will use: until it comes, other turns may have changed it.
func (l *loop) again(b *Block, values func(x *run) []cell, text string, reads ...looker) {
	n := b.put("Continue", text, 0, reads...)
	n.loop = l.node
	stage := b.stage
	l.check(b, n)
	if stage > l.stage {
		n.mistake("goes back to before rows were gathered", "what a batch block makes of its rows is made once: put the loop into one stage of it")
	}
	kept := sync.OnceValue(func() []*variable { return l.node.flow.listed(l.node.inside()) })
	n.do = func(x *run) error {
		t := turn{l, l.node.gives, values(x)}
		if w := x.loops[l.index]; w != nil {
			w.turns = append(w.turns, t)
			return nil
		}
		t.of = append(t.of[:len(t.of):len(t.of)], kept()...)
		for _, v := range kept() {
			t.cells = append(t.cells, x.cells[v.id].copied())
		}
		x.pending = append(x.pending, t)
		return nil
	}
}

func (l *loop) check(b *Block, n *node) {
	switch {
	case b.flow != l.node.flow:
		n.mistake("is of a loop of another source", "use the loop that the body is given")
	case l.over:
		n.mistake("is put behind its loop", "continue and emit within the body")
	}
}
