// Package worker is the shell around the engine: one process (or one part of
// one) that owns tasks of modules. It carries out the engine's effects against
// the seams: a depot.Log, a store.Store and a transport.Network, which its
// starter chooses.
//
// Each task has one goroutine that steps its engine and one that talks to its
// slot, on one connection (R8). One more reads the depots of all tasks.
package worker
