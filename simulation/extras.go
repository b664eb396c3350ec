package simulation

import "math/rand/v2"

// drawExtras draws options that came later than the seeds that are kept: from a source
// of its own, so that those seeds still mean the runs that they meant.
func (w *world) drawExtras() {
	random := rand.New(rand.NewPCG(w.config.Seed, 0x657874726173))
	w.options.FailWholeBatch = random.IntN(1000) < 300
}
