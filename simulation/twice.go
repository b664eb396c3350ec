package simulation

// Twice runs a seed two times and compares what happened: a run that does not
// follow from its seed alone could not be run again. The workload is asked in the second
// run only.
func Twice(c Config) *Result {
	bare := c
	bare.Trace, bare.unchecked = nil, true
	first := Run(bare)
	again := Run(c)
	if first.Fingerprint != again.Fingerprint && len(again.Violations) > 0 {
		bare.unchecked = false // a violation ended the second run
		first = Run(bare)
	}
	if first.Fingerprint != again.Fingerprint {
		again.Violations = append(again.Violations, "two runs of the seed differ: something in the module or in the engine depends on more than its inputs (a map's order, the clock, a random source)")
	}
	return again
}

// mark takes something that happened into the fingerprint of the run (FNV-1a).
func (w *world) mark(x uint64) {
	const prime = 1099511628211
	for range 8 {
		w.result.Fingerprint = (w.result.Fingerprint ^ x&0xff) * prime
		x >>= 8
	}
}
