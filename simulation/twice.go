package simulation

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/coppice-run/coppice/store"
)

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
		again.differs = true
		again.Violations = append(again.Violations, "two runs of the seed differ: something in the module or in the engine depends on more than its inputs (a map's order, the clock, a random source)")
	}
	return again
}

// markSeed is of this process: fingerprints are compared within it.
var markSeed = maphash.MakeSeed()

// markChanges takes what a commit writes into the fingerprint.
func (w *world) markChanges(changes []store.Change) {
	var h maphash.Hash
	h.SetSeed(markSeed)
	for i := range changes {
		c := &changes[i]
		_, _ = h.WriteString(c.Table.Key)
		_ = h.WriteByte(bit(c.Drop))
		for j := range c.Writes {
			_, _ = h.WriteString(c.Writes[j].Field)
			_, _ = h.WriteString(c.Writes[j].Value)
			_ = h.WriteByte(bit(c.Writes[j].Delete))
		}
	}
	w.mark(h.Sum64())
}

func bit(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}

// difference shows where two runs of a seed go apart: the first lines of their traces that are
// not alike, behind the last that are.
func difference(c Config) string {
	const before = 5
	var traces [2][]string
	for i := range traces {
		var trace bytes.Buffer
		c.Trace = &trace
		Run(c)
		traces[i] = strings.Split(trace.String(), "\n")
	}
	one, other := traces[0], traces[1]
	for i := range min(len(one), len(other)) {
		if one[i] != other[i] {
			return fmt.Sprintf("the two runs go apart here:\n%s\none:   %s\nother: %s", strings.Join(one[max(i-before, 0):i], "\n"), one[i], other[i])
		}
	}
	if len(one) != len(other) {
		return fmt.Sprintf("one of the two runs ends after %d lines of its trace, the other goes on", min(len(one), len(other)))
	}
	return "two more runs of it were alike: what it depends on does not change each time"
}

// mark takes something that happened into the fingerprint of the run (FNV-1a).
func (w *world) mark(x uint64) {
	const prime = 1099511628211
	for range 8 {
		w.result.Fingerprint = (w.result.Fingerprint ^ x&0xff) * prime
		x >>= 8
	}
}
