//go:build !race

package simulation

// seedsOfEach is how many seeds of every workload run, with and without faults.
const seedsOfEach = 20
