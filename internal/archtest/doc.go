// Package archtest holds no code but tests: they read the sources of the module
// and check what the compiler does not. Imports point down, from the entry to the
// vocabulary; the engine and all below it do no I/O and start no goroutine; few
// test packages link the fakes of Kafka and Redis, so that `go test ./...` stays
// quick; and no file speaks of the machine that it was written on.
package archtest
