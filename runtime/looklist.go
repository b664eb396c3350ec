package runtime

import (
	"slices"
	"time"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime/stream"
)

// list names the trees that are under way, the oldest first.
func (l *looker) list() {
	t := l.t
	var trees []eventtree.Tree
	if t.ledger != nil && t.phase == running {
		t.ledger.Each(func(a *acker.Tree[rooted]) bool {
			if d := &a.Data; d.source != nil {
				tree := l.tree(d.source, d.record.Offset)
				l.rooted(&tree, a)
				trees = append(trees, tree)
			}
			return true
		})
	}
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			trees = append(trees, l.listSource(s)...)
		}
	}
	slices.SortStableFunc(trees, func(a, b eventtree.Tree) int { return older(a.Since, b.Since) })
	l.part.Trees = trees[:min(len(trees), l.q.List)]
}

// older puts those whose time is not known last.
func older(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}

// listSource names what is under way of a source and is not in the ledger.
func (l *looker) listSource(s *source) (trees []eventtree.Tree) {
	add := func(offset int64) bool {
		trees = append(trees, l.root(s, offset))
		return len(trees) < l.q.List
	}
	s.retries.Each(func(r *stream.Retry) bool { return add(r.Record.Offset) })
	for _, offset := range s.consumedOffsets() {
		if !add(offset) {
			break
		}
	}
	if m := s.topology.micro; m != nil && m.run != nil {
		for i := range m.run.records {
			if it := &m.run.records[i]; it.source == s && !add(it.record.Offset) {
				break
			}
		}
	}
	return trees
}
