package simulation

import (
	"os"
	"strconv"
	"testing"
)

func TestDebug(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	w, _ := Find(os.Getenv("WL"))
	r := Run(Config{Seed: seed, Workload: w, Calm: os.Getenv("CALM") != "", Trace: os.Stdout})
	for _, v := range r.Violations {
		t.Error(v)
	}
}
