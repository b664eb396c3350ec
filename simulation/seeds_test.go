//go:build !race

package simulation

// seedsOfEach is how many seeds of every workload run.
const seedsOfEach = seedsPerTest
