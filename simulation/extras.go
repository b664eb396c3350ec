package simulation

import (
	"cmp"
	"math/rand/v2"
)

// drawExtras draws what came later than the seeds that are kept: from a source of its
// own, so that those seeds still mean the runs that they meant.
func (w *world) drawExtras() {
	w.extra = rand.New(rand.NewPCG(w.config.Seed, 0x657874726173))
	// A calm world shows what happens at the first attempt, and a user's module runs with
	// the options that it has in production, unless somebody sets others.
	_, users := w.workload.(*usersCase)
	w.options.FailWholeBatch = w.extra.IntN(1000) < cmp.Or(w.config.Workload.WholePerMille, 300) && !w.config.Calm && !w.config.Workload.FewAttempts && !users
	if w.strained = w.config.QueueBytesMax > 0 || w.extra.IntN(1000) < 400; w.strained {
		w.options.TreeBytesMax = 1 + w.extra.Int64N(4000)
	}
	if w.config.QueueBytesMax > 0 {
		w.options.TreeBytesMax = w.config.QueueBytesMax
	}
	if w.config.Workload.TreeTimeout > 0 {
		w.options.TreeTimeout = w.config.Workload.TreeTimeout
	}
	for f := FullDisk; f < faultCount; f++ {
		w.allowed[f] = !w.config.Calm && w.extra.IntN(1000) < 600 && !w.without(f)
	}
	w.options.MicrobatchRecordsMax = 1 + w.extra.IntN(60)
}
