package flow

// IfTrue runs a part of the flow where a condition holds; the flow goes on behind it
// either way.
func IfTrue(b *Block, condition Expr[bool], then func(*Block)) {
	b.when("IfTrue", condition, then, func(*Block) {})
}

// IfElse runs one of two parts of the flow, and goes on behind it. A variable that is to
// have a value there is declared before (Declare) and assigned in both.
func IfElse(b *Block, condition Expr[bool], then, otherwise func(*Block)) {
	b.when("IfElse", condition, then, otherwise)
}

func (b *Block) when(verb string, condition Expr[bool], then, otherwise func(*Block)) {
	n := b.put(verb, text(condition), 2, condition)
	n.labels = []string{"yes", "no"}
	n.do = func(x *run) error {
		if condition.eval(x) {
			return x.follow(n, 0)
		}
		return x.follow(n, 1)
	}
	yes, no := b.within(n, 0), b.within(n, 1)
	b.fill(yes, then)
	b.fill(no, otherwise)
	b.at = joined(yes.at, no.at)
}

// Case is one of a Cond: made by When and Otherwise.
type Case struct {
	condition Expr[bool]
	then      func(*Block)
	last      bool
}

// When is the case that a condition holds.
func When(condition Expr[bool], then func(*Block)) Case {
	return Case{condition: condition, then: then}
}

// Otherwise is the case that no other one is.
func Otherwise(then func(*Block)) Case { return Case{condition: Const(true), then: then, last: true} }

// Cond runs the part of the flow that belongs to the first case whose condition holds,
// and goes on behind it; where none holds it goes on at once. Conditions behind the one
// that holds are not computed.
func Cond(b *Block, cases ...Case) {
	reads := make([]looker, len(cases))
	for i, c := range cases {
		reads[i] = c.condition
	}
	n := b.put("Cond", "", len(cases)+1, reads...)
	for i, c := range cases {
		if n.labels[i] = text(c.condition); c.last {
			n.labels[i] = "otherwise"
			if i != len(cases)-1 {
				n.mistake("has cases behind Otherwise, which are never taken", "put Otherwise last")
			}
		}
	}
	n.labels[len(cases)] = "none"
	n.do = func(x *run) error {
		for i, c := range cases {
			if c.condition.eval(x) {
				return x.follow(n, i)
			}
		}
		return x.follow(n, len(cases))
	}
	var ends []at
	for i, c := range cases {
		inner := b.within(n, i)
		b.fill(inner, c.then)
		ends = append(ends, inner.at)
	}
	if len(cases) == 0 || !cases[len(cases)-1].last {
		ends = append(ends, b.within(n, len(cases)).at)
	}
	b.at = joined(ends...)
}

// KeepTrue ends the way where a condition does not hold.
func KeepTrue(b *Block, condition Expr[bool]) {
	n := b.put("KeepTrue", text(condition), 1, condition)
	n.do = func(x *run) error {
		if condition.eval(x) {
			return x.follow(n, 0)
		}
		return nil
	}
}

// Stop ends the way: a condition's, say, so that what is behind it runs only for the other.
func Stop(b *Block) {
	n := b.put("Stop", "", 0)
	n.do = func(*run) error { return nil }
}

// Branch runs a part of the flow besides what comes behind it: first the branch, then the
// rest. Where both hop, their events run at the same time.
func Branch(b *Block, f func(*Block)) {
	if len(b.outlets) == 0 {
		b.put("Branch", "", 1)
		return
	}
	inner := &Block{flow: b.flow, at: b.at.copied()}
	b.fill(inner, f)
}

// Anchor is a place in a flow to which one can come back.
type Anchor struct {
	flow *graph
	at   at
}

// Anchor remembers the block's place.
func (b *Block) Anchor() Anchor { return Anchor{b.flow, b.at.copied()} }

// Hook returns a block at the anchor: what is put there runs besides what is there
// already, after it.
func (a Anchor) Hook() *Block {
	if a.flow == nil {
		panic("flow: Hook of an Anchor that Block.Anchor has not made")
	}
	return &Block{flow: a.flow, at: a.at.copied()}
}

// Unify returns a block where others come together: what is put there runs once for each
// of them that gets there. Variables that are set on all of them can be used.
func Unify(first *Block, others ...*Block) *Block {
	places := []at{first.at}
	for _, b := range others {
		if b.flow == first.flow {
			places = append(places, b.at)
			b.outlets = nil
			continue
		}
		n := &node{flow: first.flow, verb: "Unify", line: line()}
		n.mistake("unifies blocks of several sources", "each source has a flow of its own: hop to a step that both send to, or put the common part into a function")
	}
	all := &Block{flow: first.flow, at: joined(places...)}
	first.outlets = nil
	return all
}

// AtomicBlock runs a part of the flow, and then, once, what comes behind it: when all that
// the part does in this event is done, however often it has split. What it does behind
// hops is not waited for.
func AtomicBlock(b *Block, f func(*Block)) {
	n := b.put("AtomicBlock", "", 2)
	n.labels = []string{"first", "then"}
	n.do = func(x *run) error {
		if err := x.follow(n, 0); err != nil {
			return err
		}
		return x.follow(n, 1)
	}
	b.fill(b.within(n, 0), f)
	b.at = b.within(n, 1).at
}
