package nav

import (
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
)

// Errors of selects and transforms.
var (
	ErrNone  = errors.New("the path leads nowhere")                           // SelectOne found nothing
	ErrMany  = errors.New("the path leads to more than one")                  // SelectOne found more
	ErrMoved = errors.New("what the path leads through changes all the time") // a client's select found no moment
	ErrRead  = errors.New("what the path leads to is computed")               // a part that only reads, followed by one that writes
)

// Select returns what a path leads to, in its order, for an event or a client. The
// sequence ends after an error. It reads as it goes: a range that is left early has read
// no more than the page that it was left in, and of a client's select, what different
// answers of the store gave is of different moments ([Pages]). An event may write while it
// selects.
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

// SelectAll returns everything that a path leads to. What lies on one task is of one
// moment, up to 1,000 elements and 1 MiB that are read, also where a client's select takes
// several answers of the store: what changed between them is read again, all at once.
// ErrMoved: that did not come to an end.
func SelectAll[E, M any](r pstate.Reader, p Path[Root, E, M]) ([]E, error) {
	return gathered(r, p, math.MaxInt)
}

// SelectOne returns the one element that a path leads to; ErrNone or ErrMany if it leads
// to another number of them. It is of one moment, like SelectAll.
func SelectOne[E, M any](r pstate.Reader, p Path[Root, E, M]) (one E, err error) {
	all, err := gathered(r, p, 2)
	switch {
	case err != nil:
		return one, err
	case len(all) == 0:
		return one, ErrNone
	case len(all) > 1:
		return one, ErrMany
	}
	return all[0], nil
}

// rejoins is how often a client's select asks again. Each time it asks for what it has
// met so far, at one moment; it ends when that leads nowhere else.
const rejoins = 8

// gathered returns at most so many elements.
func gathered[E, M any](r pstate.Reader, p Path[Root, E, M], most int) ([]E, error) {
	view := r.StateView().Traced()
	for try := 0; ; try++ {
		all, err := collected(&walk{view: view}, p, most)
		if err != nil || !view.Torn() {
			return all, err
		}
		if try == rejoins {
			return nil, ErrMoved
		}
		if err := view.Rejoin(); errors.Is(err, overlay.ErrSplit) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
	}
}

func collected[E, M any](x *walk, p Path[Root, E, M], most int) (all []E, err error) {
	p.run(x, func(s *spot[E]) bool {
		value, ok := s.get(x)
		if ok {
			all = append(all, value)
		}
		return ok && len(all) < most
	})
	if x.err != nil {
		return nil, x.err
	}
	return all, nil
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
