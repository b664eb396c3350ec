package simulation

import (
	"fmt"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// fill has a server's memory run full: owners hear that it comes close, sooner or
// later, and for a while it refuses every write, also take-overs (R44).
func (w *world) fill(s *server) {
	w.tracef("FAULT memory of server %s fills up", s.name)
	w.press(s, &runtime.Pressure{StorePercent: 95})
	w.after(w.between(0, 100*millisecond), func() { s.full = !w.quiet })
	w.after(w.between(100*millisecond, 500*millisecond), func() {
		w.tracef("server %s has memory again", s.name)
		s.full = false
		w.press(s, &runtime.Pressure{})
	})
}

// press tells the owners of a server's slots what their worker sees.
func (w *world) press(s *server, p *runtime.Pressure) {
	for _, o := range w.everyone {
		if o.alive && w.serverOf(o.id) == s {
			w.after(w.between(0, 50*millisecond), func() { o.step(p) })
		}
	}
}

// refusals are what servers say that write nothing: the cause differs, what follows
// does not (R10).
var refusals = []string{"OOM", "TRYAGAIN", "MOVED", "LOADING", "READONLY", "CLUSTERDOWN", "MISCONF"}

// refused is a command that a server does not carry out; nil where it does.
func (c *connection) refused(what string) error {
	if c.w.serverOf(c.owner.id).full {
		return fmt.Errorf("%w: %s: OOM", store.ErrRefused, what)
	}
	if c.w.faulty(Refused) {
		return fmt.Errorf("%w: %s: %s", store.ErrRefused, what, refusals[c.w.random.IntN(len(refusals))])
	}
	return nil
}
