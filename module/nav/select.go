package nav

import (
	"errors"
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/pstate"
)

// Errors of selects and transforms.
var (
	ErrNone = errors.New("the path leads nowhere")             // SelectOne found nothing
	ErrMany = errors.New("the path leads to more than one")    // SelectOne found more
	ErrRead = errors.New("what the path leads to is computed") // a part that only reads, followed by one that writes
)

// Select returns what a path leads to, in its order, for an event or a client. The
// sequence ends after an error. It reads as it goes: a range that is left early has read
// no more than the page that it was left in. An event may write while it selects.
func Select[E, M any](r pstate.Reader, p Path[Root, E, M]) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		x := &walk{view: r.StateView()}
		p.run(x, func(s *spot[E]) bool {
			value, ok := s.get(x)
			return ok && yield(value, nil)
		})
		if x.err != nil {
			var none E
			yield(none, x.err)
		}
	}
}

// SelectAll returns everything that a path leads to.
func SelectAll[E, M any](r pstate.Reader, p Path[Root, E, M]) (all []E, err error) {
	for e, err := range Select(r, p) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// SelectOne returns the one element that a path leads to; ErrNone or ErrMany if it leads
// to another number of them.
func SelectOne[E, M any](r pstate.Reader, p Path[Root, E, M]) (one E, err error) {
	n := 0
	for e, err := range Select(r, p) {
		switch n++; {
		case err != nil:
			return one, err
		case n == 2:
			var none E
			return none, ErrMany
		}
		one = e
	}
	if n == 0 {
		return one, ErrNone
	}
	return one, nil
}

// Set replaces everything that a path leads to by a value. What a [Key] leads to is not
// read. Rama calls it termVal.
func Set[E any](w pstate.Writer, p Path[Root, E, Value], value E) {
	transform(w, p, func(_ *walk, s *spot[E]) { s.set(value) })
}

// Update replaces everything that a path leads to by f of it, where nothing is: of zero.
// Rama calls it term.
func Update[E any](w pstate.Writer, p Path[Root, E, Value], f func(E) E) {
	transform(w, p, func(x *walk, s *spot[E]) {
		if value, ok := s.get(x); ok {
			s.set(f(value))
		}
	})
}

// Removable is what [Delete] takes.
type Removable interface{ Value | Structure }

// Delete removes everything that a path leads to: values from their map, list or set,
// structures with everything under them. Elements of a list behind a removed one move
// up. A field of a struct becomes zero. Rama calls it termVoid.
func Delete[E any, M Removable](w pstate.Writer, p Path[Root, E, M]) {
	transform(w, p, func(x *walk, s *spot[E]) { s.erase(x) })
}

// transform does something to every end of a path. An error fails the event.
func transform[E, M any](w pstate.Writer, p Path[Root, E, M], do func(*walk, *spot[E])) {
	x := &walk{view: w.StateView(), writing: true}
	p.run(x, func(s *spot[E]) bool {
		if s.cell == nil && s.replace == nil {
			return x.fail(fmt.Errorf("%w: it cannot be written", ErrRead))
		}
		do(x, s)
		return x.err == nil && x.view.Failure() == nil
	})
	if x.err != nil {
		x.view.Fail(x.err)
	}
}

func (p Path[S, E, M]) run(x *walk, next func(*spot[E]) bool) {
	if p.walk == nil {
		x.fail(errors.New("the path was not made by package nav: it is a zero Path"))
		return
	}
	p.walk(x, known(*new(S)), next)
}
