package runtime_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// stubborn fails until it is told not to, and is tried for ever.
type stubborn struct {
	Roots module.Depot[node]
	tries int
	well  bool
}

func (m *stubborn) ModuleName() string { return "Branches" }

func (m *stubborn) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Roots, "roots")
	module.DeclareSource(b.Stream("grow"), m.Roots, func(*module.Event, node) error {
		if m.tries++; m.well {
			return nil
		}
		return errors.New("not yet")
	}, module.StartFromBeginning(), module.MaxAttempts(0))
}

// R20: the numbers of attempts end at the last that there is. A record that failed more often than
// that is tried on, by this owner and by the next one, and leaves nothing when it is done.
func TestARecordThatIsTriedForEver(t *testing.T) {
	t.Parallel()
	m := &stubborn{}
	w := newTown(t, m, 1, runtime.Options{RetryBackoff: time.Millisecond, RetryBackoffMax: time.Millisecond})
	c := w.tasks[0]
	c.give(0, leaf(0, "a"))
	for m.tries <= math.MaxUint16 {
		for c.pending != nil {
			c.commit()
		}
		w.wait(2e6)
	}
	next := &stubborn{well: true}
	c.own(next)
	w.settle()
	c.give(0, leaf(0, "a"))
	w.settle()
	if c.halt != nil || next.tries != 1 {
		t.Fatalf("the next owner halted for %v and tried it %d times", c.halt, next.tries)
	}
	if left := c.table("attempts"); len(left) != 0 {
		t.Errorf("the slot still counts the attempts %v", left)
	}
}
