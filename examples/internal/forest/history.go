package forest

import (
	"errors"
	"fmt"
)

// History is what programs have asked for, for a solution that takes the changes of a component
// in the order of its depot: some of what must be there at rest follows from it, whatever the
// interleaving was. The zero value is ready. It is for one run, in one goroutine.
type History struct {
	clock   int
	changes []*change
	exist   map[string]bool // in the latest snapshot that was seen
}

type change struct {
	Change
	begun, ended int  // by the clock; ended 0: nobody knows what became of it
	under        bool // the parent existed in a snapshot when it began
	again        bool // so did the component itself
}

// Begin notes a change that is about to be appended; End says that it is in the depot.
func (h *History) Begin(c Change) (end func()) {
	h.clock++
	one := &change{Change: c, begun: h.clock, under: c.Parent != "" && h.exist[c.Parent], again: h.exist[c.ID]}
	h.changes = append(h.changes, one)
	return func() {
		h.clock++
		one.ended = h.clock
	}
}

// Saw notes a snapshot.
func (h *History) Saw(f *Forest) {
	h.exist = map[string]bool{}
	for id := range f.Parent {
		h.exist[id] = true
	}
}

// before reports whether one change is in the depot before another one was appended.
func (c *change) before(d *change) bool { return c.ended != 0 && c.ended < d.begun }

// creates reports whether a change may create its component.
func (c *change) creates() bool { return !c.Delete && c.Text != "" && c.Parent != c.ID }

// each reports whether something holds for all other changes of a component.
func (h *History) each(c *change, holds func(other *change) bool) bool {
	for _, other := range h.changes {
		if other != c && other.ID == c.ID && !holds(other) {
			return false
		}
	}
	return true
}

// Check compares what there is at rest with what follows from the history, and returns how
// much did:
//   - what was deleted, and not asked for again since, does not exist;
//   - a root that was created first, and never deleted since, exists;
//   - so does what was created first below such a root, when a snapshot had shown that; any other
//     creation came when a snapshot had shown the component: two of one microbatch go different
//     ways, and either may be the first to come to its end.
func (h *History) Check(f *Forest) (followed int, err error) {
	var wrong []error
	lasting := map[string]bool{}
	for _, c := range h.changes {
		parent, exists := f.Parent[c.ID]
		switch {
		case c.ended == 0:
		case c.Delete:
			if h.each(c, func(o *change) bool { return !o.creates() || o.before(c) }) {
				if followed++; exists {
					wrong = append(wrong, fmt.Errorf("%s was deleted after all its creations, and exists", c.ID))
				}
			}
		case c.Parent == "" && h.stays(c):
			followed++
			if lasting[c.ID] = true; !exists || parent != "" {
				wrong = append(wrong, fmt.Errorf("%s was created as a root and not deleted since: it exists %t, with the parent %q", c.ID, exists, parent))
			}
		}
	}
	for _, c := range h.changes {
		if parent, exists := f.Parent[c.ID]; c.ended != 0 && c.under && lasting[c.Parent] && h.stays(c) && h.each(c, func(o *change) bool { return !o.creates() || o.again }) {
			if followed++; !exists || parent != c.Parent {
				wrong = append(wrong, fmt.Errorf("%s was created below %s and not deleted since: it exists %t, with the parent %q", c.ID, c.Parent, exists, parent))
			}
		}
	}
	return followed, errors.Join(wrong...)
}

// stays reports whether a creation is the first of its component, and no deletion of it
// came at the same time or later.
func (h *History) stays(c *change) bool {
	return c.creates() && h.each(c, func(o *change) bool {
		return o.Delete && o.before(c) || !o.Delete && (!o.creates() || c.before(o))
	})
}
