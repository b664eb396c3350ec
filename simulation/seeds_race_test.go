//go:build race

package simulation

// seedsOfEach is how many seeds of every workload run: the race detector makes each run ten
// times as long, and a world has one goroutine.
const seedsOfEach = 8
