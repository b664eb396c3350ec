//go:build core

package main

import "github.com/coppice-run/coppice/simulation"

func examples() []simulation.Workload { return nil }
