package client

import (
	"testing"

	"github.com/coppice-run/coppice/eventtree"
)

// However many trees are under way, those that are over are listed as well, and the other way
// round.
func TestTreesThatAreOverAreNotKeptOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ live, over, most, wantLive, wantOver int }{
		{3, 4, 10, 3, 4}, {300, 4, 10, 6, 4}, {300, 400, 10, 5, 5}, {3, 400, 10, 3, 7}, {300, 0, 10, 10, 0}, {0, 400, 10, 0, 10}, {5, 5, 1, 1, 0}, {7, 7, 9, 5, 4},
	} {
		trees := make([]eventtree.Tree, c.live+c.over)
		for i := range trees {
			if trees[i].State = eventtree.Open; i >= c.live {
				trees[i].State = eventtree.Done
			}
		}
		var live, over int
		for i, one := range limited(trees, c.most) {
			if !one.State.Over() {
				live++
				continue
			}
			if over++; i < live {
				t.Errorf("%+v: those that are over do not come last", c)
			}
		}
		if live != c.wantLive || over != c.wantOver {
			t.Errorf("%+v: there are %d and %d", c, live, over)
		}
	}
}
