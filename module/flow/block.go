package flow

import (
	"slices"
)

// Block is a place in a flow. Operations are put there, one behind another; a block is
// used by the function that it was given to, and only there.
type Block struct {
	flow *graph
	at
	held bool // another block, within a condition or a loop, is in use
}

// at is a place: behind which outlets the next operation comes.
type at struct {
	outlets []outlet
	have    set // variables that are set on every way that leads here
	maybe   set // and on some way
	lost    set // and before rows were gathered, which do not take them along
	stage   int // of the topology's batch blocks, in which events are here
	batch   *batch
}

type outlet struct {
	n     *node
	index int
}

func (a at) copied() at {
	a.outlets, a.have, a.maybe, a.lost = slices.Clone(a.outlets), slices.Clone(a.have), slices.Clone(a.maybe), slices.Clone(a.lost)
	return a
}

// joined is the place where others come together.
func joined(places ...at) (all at) {
	for _, p := range places {
		if len(p.outlets) == 0 {
			continue
		}
		if len(all.outlets) == 0 {
			all.have, all.batch = slices.Clone(p.have), p.batch
		} else {
			all.have.meet(p.have)
		}
		all.maybe.join(p.maybe)
		all.lost.join(p.lost)
		all.stage = max(all.stage, p.stage)
		for _, o := range p.outlets {
			if !slices.Contains(all.outlets, o) {
				all.outlets = append(all.outlets, o)
			}
		}
	}
	return all
}

// put adds an operation with so many outlets at the block's place, and moves it behind the
// first.
func (b *Block) put(verb, text string, outlets int, reads ...looker) *node {
	g := b.flow
	n := &node{flow: g, id: len(g.nodes), verb: verb, text: text, line: line(), next: make([][]*node, outlets), labels: make([]string, outlets)}
	switch {
	case g.done:
		n.mistake("is put into a flow that is declared already", "use a block only in the function that it was given to")
		return n
	case b.held:
		n.mistake("is put into the block outside", "within a condition, a branch or a loop use the block that its function is given")
	case len(b.outlets) == 0:
		n.mistake("is never reached: each way there has ended", "put it before the flow ends, or leave it out")
	}
	g.nodes = append(g.nodes, n)
	g.high = max(g.high, b.stage)
	for _, o := range b.outlets {
		o.n.next[o.index] = append(o.n.next[o.index], n)
	}
	l := &look{}
	for _, r := range reads {
		lookAt(l, r)
	}
	for _, m := range l.mistakes {
		n.mistake(m[0], m[1])
	}
	if g.query {
		n.inQuery(l.event)
	}
	b.reads(n, l.variables)
	b.outlets = nil
	if outlets > 0 {
		b.outlets = []outlet{{n, 0}}
	}
	return n
}

// reads notes which variables the operation uses.
func (b *Block) reads(n *node, variables []*variable) {
	for _, v := range variables {
		switch {
		case v.flow != b.flow:
			n.mistake("uses a variable of another source, given at "+v.line, "each source has its own variables")
		case !b.have.has(v.id) && !b.maybe.has(v.id) && b.lost.has(v.id):
			n.mistake("uses a variable of before the rows were gathered, given at "+v.line, "make it a part of the key or of the row")
		case !b.have.has(v.id) && len(b.outlets) > 0:
			n.mistake("uses a variable that is not set on every way there, given at "+v.line, "set it on each of them: flow.Declare before, flow.Assign on each way")
		case !slices.Contains(n.reads, v):
			n.reads = append(n.reads, v)
		}
	}
}

// gives notes that the operation sets a variable, at the place behind it.
func (b *Block) gives(n *node, v *variable) {
	switch {
	case v.flow != b.flow:
		n.mistake("sets a variable of another source", "each source has its own variables")
		return
	case b.maybe.has(v.id):
		n.mistake("sets a variable that is set already, given at "+v.line, "take another variable: on each way one is set once")
	}
	n.gives = append(n.gives, v)
	b.have.add(v.id)
	b.maybe.add(v.id)
}

// result is a new variable that the operation gives.
func result[T any](b *Block, n *node) Var[T] {
	v := newVariable[T](b.flow, n.line)
	b.gives(n, v.v)
	return v
}

// within is a block behind an outlet of the operation.
func (b *Block) within(n *node, index int) *Block {
	inner := &Block{flow: b.flow, at: b.at.copied()}
	inner.outlets = []outlet{{n, index}}
	return inner
}

// fill has a function put its operations into a block, while b must not be used.
func (b *Block) fill(inner *Block, f func(*Block)) {
	if f == nil {
		inner.outlets[0].n.mistake("has no function", "pass a func(*flow.Block) that puts its operations there")
		return
	}
	before := b.held
	b.held = true
	f(inner)
	b.held = before
}
