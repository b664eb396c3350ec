//go:build !core

package main

import (
	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/examples/bankmicrobatch"
	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/examples/componentsexact"
	"github.com/coppice-run/coppice/examples/componentsmicrobatch"
	"github.com/coppice-run/coppice/simulation"
)

// examples are the workloads of example modules. A build with the tag core leaves them out: cmd/mutants
// compiles the simulator for each mutation, and half of that time is theirs.
func examples() []simulation.Workload {
	return []simulation.Workload{
		bank.Workload(), bankmicrobatch.Workload(), components.Workload(), componentsexact.Workload(), componentsmicrobatch.Workload(),
	}
}
