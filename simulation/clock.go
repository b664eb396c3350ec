package simulation

// occasion is something that will happen.
type occasion struct {
	at  int64
	seq uint64 // breaks ties: first planned, first run
	run func()
}

// agenda is a heap of occasions.
type agenda []occasion

func (a agenda) before(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}

// push and pop keep the slice as a binary heap; container/heap allocates for each occasion,
// and its calls through an interface were a fourteenth of the time of all runs.
func (a *agenda) push(o occasion) {
	*a = append(*a, o)
	h := *a
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.before(i, parent) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (a *agenda) pop() occasion {
	h := *a
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], occasion{}
	h = h[:last]
	*a = h
	for i := 0; ; {
		least := 2*i + 1
		if least >= last {
			return first
		}
		if right := least + 1; right < last && h.before(right, least) {
			least = right
		}
		if !h.before(least, i) {
			return first
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// Units of virtual time.
const (
	microsecond = int64(1000)
	millisecond = 1000 * microsecond
	second      = 1000 * millisecond
)

// at plans something for a time.
func (w *world) at(when int64, run func()) {
	w.seq++
	w.agenda.push(occasion{at: max(when, w.now), seq: w.seq, run: run})
}

// after plans something for after a pause.
func (w *world) after(pause int64, run func()) { w.at(w.now+pause, run) }

// between draws a duration.
func (w *world) between(low, high int64) int64 { return low + w.random.Int64N(high-low+1) }

// chance draws with a probability of n in 1,000.
func (w *world) chance(perMille int) bool { return w.random.IntN(1000) < perMille }

// next runs the next occasion; false if nothing is planned any more.
func (w *world) next() bool {
	if len(w.agenda) == 0 {
		return false
	}
	o := w.agenda.pop()
	w.now = o.at
	w.result.Steps++
	w.mark(uint64(o.at))
	w.mark(o.seq)
	o.run()
	return true
}
