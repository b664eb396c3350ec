// Package mutants lists mistakes that could be made in the protocol: small changes
// of the source, each of which leaves out or breaks one rule. Each must be found by
// the simulator, or the simulator shows nothing; those of what it does not run, as clients, by a
// test. cmd/mutants tries them. The changed
// files exist only while the compiler reads them (go build -overlay): no trace of a
// mutation is in what is built otherwise.
package mutants

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Mutation is one mistake.
type Mutation struct {
	Name string
	Rule string // of docs/protocol.md or a trap, that it breaks
	What string
	File string // from the root of the module
	Old  string // occurs once in the file
	New  string
	// Workloads are those that run through what the mistake is in, with commas; "": all.
	Workloads string
	// Seeds is how many seeds to try of each of its workloads at least, where few runs, of
	// workloads that cost little, meet what shows the mistake; 0: as many as of others.
	Seeds int
	// Test is the test that finds it, where no run of the simulator comes by: the package and the
	// name, with a space.
	Test string
	// Blind says that it was written without knowledge of the checkers.
	Blind bool
}

// Apply returns the text of the file with the mistake made.
func (m *Mutation) Apply(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(text), m.Old); n != 1 {
		return nil, fmt.Errorf("mutation %s: its text occurs %d times in %s, want once: the code has changed, change the mutation too", m.Name, n, m.File)
	}
	return []byte(strings.Replace(string(text), m.Old, m.New, 1)), nil
}
