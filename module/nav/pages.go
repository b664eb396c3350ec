package nav

import (
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Page is a part of what a select found: all of it is of one moment.
type Page[E any] struct {
	Values []E
	// Commit is the moment: everything up to this commit of its task, and nothing behind
	// it. It is zero in an event; where single elements were read, which does not ask for
	// it; and for an element that was put together from several moments, which is a page
	// by itself.
	Commit task.Mark
}

// Pages is Select in pages, each of one moment. A page holds what one range of the store
// returned, 1,000 elements and 1 MiB at most, and what further reads found at the same
// commit. In an event a page holds up to 1,000 elements.
func Pages[E, M any](r pstate.Reader, p Path[Root, E, M]) iter.Seq2[Page[E], error] {
	return func(yield func(Page[E], error) bool) {
		x := &walk{view: r.StateView().Traced()}
		var page Page[E]
		var of overlay.Moment // of the page
		stopped := false
		p.run(x, func(s *spot[E]) bool {
			value, ok := s.get(x)
			if !ok {
				return false
			}
			if n := len(page.Values); n > 0 && (!of.Same(s.of) || n == store.ElementsMax) {
				if stopped = !yield(page, nil); stopped {
					return false
				}
				page, of = Page[E]{}, overlay.Moment{}
			}
			of = of.With(s.of)
			page.Values, page.Commit = append(page.Values, value), of.Commit
			return true
		})
		switch {
		case stopped:
		case x.err != nil:
			yield(Page[E]{}, x.err)
		case len(page.Values) > 0:
			yield(page, nil)
		}
	}
}
