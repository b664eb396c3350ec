package overlay

// Guess is where the events of one source look elements up under their keys, as those that
// ran last did. An element that is not in memory can be asked for by it without running the event
// to find out: the event runs once then, not twice. A guess that is wrong has the store asked for
// an element that nobody reads, and changes nothing else: what was asked for is cached like what
// an event has asked for that ran ahead.
//
// Every event that runs tells whether the guess was right for it, whether or not it was made. So it
// ends with the next few events that do something else, and comes back without being tried.
type Guess struct {
	in    keyed
	trust int
}

// A guess is made while there is so much trust in it: an event that does what it says adds
// one, up to a limit, another takes several. In the long run four of five have to do it. One
// that does not has the events behind it wait for another answer of the store.
const (
	trustMin   = 4
	trustMax   = 16
	trustWrong = 4
)

// Ran notes what an event has done that was to be expected (Expect), now that it has run for good.
func (g *Guess) Ran(v *View) {
	if v.expected.key == "" {
		return
	}
	if in := v.expected.in; in != nil && in == g.in {
		g.trust = min(g.trust+1, trustMax)
		return
	} else if in != nil {
		g.in = in
	}
	g.trust = max(g.trust-trustWrong, 0)
}

// Foresee asks for the element that an event with this key is going to look up, if the guess is
// trusted and it is not in memory. It reports whether it is asked for: to run the event
// ahead would tell no more.
func (v *View) Foresee(g *Guess, key []byte) bool {
	return g.trust >= trustMin && len(key) > 0 && g.in.foresee(v, textOf(key))
}

// foresee leaves alone what is known without asking: an event that runs ahead gets beyond it.
func (f *fields[T]) foresee(v *View, field string) bool {
	t := f.table
	if t.gone || t.whole || t.cleared == v.open {
		return false
	}
	hash := hashOf(field)
	e := f.entries.find(hash, field)
	switch {
	case e == nil:
		e = f.make(v, hash, field)
	case e.n.flags&loaded != 0:
		return false
	}
	t.batch = v.open // it is not forgotten meanwhile
	v.want(e)
	return true
}
