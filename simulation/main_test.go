package simulation

import (
	"os"
	"runtime/debug"
	"testing"
)

// Runs are short, and leave all that they made: collecting it seldom takes a third off
// the time.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(400 << 20)
	}
	os.Exit(m.Run())
}
