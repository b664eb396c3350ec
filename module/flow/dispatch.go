package flow

import (
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/module"
)

// TypeCase is one case of a Dispatch over values of an interface U: made by On and
// OnOther.
type TypeCase[U any] struct {
	of    reflect.Type // nil: any other
	build func(b *Block, n *node, index int) at
	take  func(x *run, value U) bool
}

// On is the case of values of type V, which f has in a variable:
//
//	flow.On[Change](func(b *flow.Block, c flow.Var[Create]) { … })
func On[U, V any](f func(b *Block, value Var[V])) TypeCase[U] {
	var v Var[V]
	return TypeCase[U]{
		of: reflect.TypeFor[V](),
		build: func(b *Block, n *node, index int) at {
			if !reflect.TypeFor[V]().Implements(reflect.TypeFor[U]()) {
				n.mistake(fmt.Sprintf("has a case for %s, which is no %s", typeName[V](), typeName[U]()), "leave the case out")
			}
			inner := b.within(n, index)
			v = result[V](inner, n)
			if f == nil {
				b.fill(inner, nil)
			} else {
				b.fill(inner, func(inner *Block) { f(inner, v) })
			}
			return inner.at
		},
		take: func(x *run, value U) bool {
			it, ok := any(value).(V)
			if ok {
				v.set(x, it)
			}
			return ok
		},
	}
}

// OnOther is the case of values for which no other case is.
func OnOther[U any](f func(b *Block)) TypeCase[U] {
	return TypeCase[U]{
		build: func(b *Block, n *node, index int) at {
			inner := b.within(n, index)
			b.fill(inner, f)
			return inner.at
		},
		take: func(*run, U) bool { return true },
	}
}

// Dispatch runs the part of the flow that belongs to the type of a value, such as a record
// of a union depot, and goes on behind it. A value for which there is no case parks the
// record.
func Dispatch[U any](b *Block, value Expr[U], cases ...TypeCase[U]) {
	n := b.put("Dispatch", text(value), len(cases), value)
	if u := reflect.TypeFor[U](); u.Kind() != reflect.Interface {
		n.mistake("is of "+u.String()+", which is one type", "dispatch values of an interface; for conditions there is flow.Cond")
	}
	var ends []at
	seen := map[reflect.Type]bool{}
	for i, c := range cases {
		if c.build == nil {
			n.mistake("has a case that is none", "make cases with flow.On and flow.OnOther")
			continue
		}
		if seen[c.of] {
			n.mistake("has two cases for one type", "leave the second one out: it is never taken")
		}
		if seen[nil] {
			n.mistake("has cases behind OnOther, which are never taken", "put OnOther last")
		}
		seen[c.of] = true
		if n.labels[i] = "other"; c.of != nil {
			n.labels[i] = c.of.String()
		}
		ends = append(ends, c.build(b, n, i))
	}
	n.do = func(x *run) error {
		u := value.eval(x)
		for i, c := range cases {
			if c.take(x, u) {
				return x.follow(n, i)
			}
		}
		return module.Park(fmt.Errorf("%s: there is no case for a %T", n.line, u))
	}
	b.at = joined(ends...)
}
