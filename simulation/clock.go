package simulation

import "container/heap"

// occasion is something that will happen.
type occasion struct {
	at  int64
	seq uint64 // breaks ties: first planned, first run
	run func()
}

// agenda is a heap of occasions.
type agenda []occasion

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(occasion)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = occasion{}
	*a = old[:len(old)-1]
	return last
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
	heap.Push(&w.agenda, occasion{at: max(when, w.now), seq: w.seq, run: run})
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
	o := heap.Pop(&w.agenda).(occasion)
	w.now = o.at
	w.result.Steps++
	w.mark(uint64(o.at))
	w.mark(o.seq)
	o.run()
	return true
}
