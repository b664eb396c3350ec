// Package clustertest is the test kit for authors of modules: it runs a module in a
// cluster in memory, as package localcluster does, and gives a test the hands that it
// has not got from outside.
//
//	kit := clustertest.Start(t, words, clustertest.Config{Tasks: 4})
//	_, err := words.Sentences.Append(t.Context(), kit, "to be or not to be")
//	n, err := words.Counts.Key("be").Get(kit)
//
// What a test can do:
//
//   - say on which task something happens: [KeysForTask], [KeyPerTask],
//     [RecordsForTask];
//   - wait until everything is done, by progress and never by the clock: [Kit.Settle];
//   - stop a step or a source and let it go on, event by event: [Kit.Hold];
//   - end the owner of a task at a named moment: [Kit.CrashAt], [Kit.Crash];
//   - move time: [localcluster.Clock];
//   - see what happened: [Kit.Record] counts events, reads, writes, hops and commits,
//     and tells the trees of records and what each commit held; [Kit.Status] counts
//     what waits.
//
// Each test has a kit of its own, which starts within milliseconds; tests with kits run
// in parallel, and inside of testing/synctest. A kit ends with its test, and nothing
// that it started outlives it. A method that cannot do what it is asked to fails the
// test, with the reason; so they are called from the test's own goroutine, but for
// those that say otherwise.
//
// Reading order: kit.go, key.go, settle.go, hold.go, crash.go, recording.go.
package clustertest
