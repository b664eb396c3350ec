package flow

import (
	"slices"
	"sync"

	"github.com/coppice-run/coppice/module"
)

// graph is the flow of one source.
type graph struct {
	front     module.Front
	of        module.Topology
	source    string
	query     bool // of a query, not of a source
	variables []*variable
	nodes     []*node
	hops      []*hop
	calls     []called
	parts     []*part // of batch blocks
	high      int     // the last stage of batch blocks that has an operation
	loops     int
	yields    bool
	cuts      int // hops, calls and parts
	mistakes  []mistake
	done      bool // nothing is added any more
	runs      sync.Pool
}

// node is one operation.
type node struct {
	flow *graph
	id   int
	verb string // the function that put it there
	text string
	line string

	reads  []*variable
	gives  []*variable
	next   [][]*node // by outlet
	labels []string  // of the outlets
	loop   *node     // of a node that goes to a loop again: that loop
	hop    *hop      // of a node that hops
	part   *part     // of a node that gathers rows, or begins with what came of them
	carry  set       // of it: what is used behind

	// do runs the operation, and what follows as often as it is to run. simple is do of
	// one that what follows runs behind once.
	do     func(x *run) error
	simple func(x *run) error

	after set // what is used behind it
}

// simply makes it an operation that has one outlet, and gives way to it once.
func (n *node) simply(do func(x *run) error) { n.simple = do }

// set is a set of variables, or of nodes, by number.
type set []uint64

func (s set) has(i int) bool { return i/64 < len(s) && s[i/64]&(1<<(i%64)) != 0 }

func (s *set) add(i int) {
	for len(*s) <= i/64 {
		*s = append(*s, 0)
	}
	(*s)[i/64] |= 1 << (i % 64)
}

func (s set) remove(i int) {
	if i/64 < len(s) {
		s[i/64] &^= 1 << (i % 64)
	}
}

// join adds another set, and reports whether anything came.
func (s *set) join(other set) (more bool) {
	for len(*s) < len(other) {
		*s = append(*s, 0)
	}
	for i, w := range other {
		more = more || w&^(*s)[i] != 0
		(*s)[i] |= w
	}
	return more
}

// meet leaves what is in another set, too.
func (s set) meet(other set) {
	for i := range s {
		if i < len(other) {
			s[i] &= other[i]
		} else {
			s[i] = 0
		}
	}
}

// live finds out what is used behind each node: it goes from the ends to the source, until
// nothing is new.
func (g *graph) live() {
	for more := true; more; {
		more = false
		for _, n := range slices.Backward(g.nodes) {
			for _, outlet := range n.next {
				for _, to := range outlet {
					more = n.after.join(to.before()) || more
				}
			}
			if n.loop != nil {
				more = n.after.join(n.loop.inside()) || more
			}
		}
	}
	for _, n := range g.nodes {
		if n.hop != nil {
			n.carry = n.inside()
		}
	}
}

// before is what is used at the node or behind it, and given before it.
func (n *node) before() set {
	used := n.inside()
	for _, v := range n.reads {
		used.add(v.id)
	}
	return used
}

// inside is what is used behind the node, and not given by it.
func (n *node) inside() set {
	used := slices.Clone(n.after)
	for _, v := range n.gives {
		used.remove(v.id)
	}
	return used
}

// of lists the variables of a set.
func (g *graph) listed(s set) (all []*variable) {
	for _, v := range g.variables {
		if s.has(v.id) {
			all = append(all, v)
		}
	}
	return all
}
