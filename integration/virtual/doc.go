// Package virtual runs workers, clients and both adapters under virtual time:
// whole modules inside the bubbles of testing/synctest, over a broker (kfake) and a
// server (miniredis) in memory, and with lines between them that break by a plan.
// It stands between package simulation, which runs the engine alone and repeats a
// run to the last step, and real servers, where every timeout costs its time.
//
// # What a bubble holds
//
// Everything: each goroutine of the workers, clients, client libraries, broker and
// server is started inside, and each waits on channels, condition variables or
// timers alone. Time stands still while anybody has something to do, and then moves
// to the next timer: a tree that times out after 10 s costs microseconds, and pauses
// can be compared to the nanosecond. What this takes:
//
//   - The adapters' Dialer leads to pipes in memory: kfake.VirtualNetwork and
//     Miniredis.Dial. A pipe has no room, a socket has; type wire carries bytes
//     between two pipes with room in both directions, and is where they break.
//   - Workers talk over transport/memtransport. grpctransport opens TCP sockets by
//     itself, and whoever waits for a socket is not idle in a bubble's eyes: time
//     would stand still. It stays outside; its own tests break its connections.
//   - Libraries end some goroutines by timers only, and time stops when a test
//     returns. A world that closes lets 10 s pass first. Whatever then still runs is
//     a leak, and synctest fails the test.
//
// # What a seed repeats
//
// A seed fixes the plan of the faults, each client's load, and the engine's random
// choices, not the order in which the scheduler runs goroutines that are ready at
// the same time, and not the tokens of ownership periods. The same seed mostly takes
// the same course, and not always: run a seed that failed a few times. A failure
// names its seed:
//
//	go test ./integration/virtual -run 'TestX/seed=7$'
//	go test ./integration/virtual -seeds 500 -first 1000
//
// # What it cannot show
//
//   - A loop that tries again without any pause never lets time pass: the test hangs
//     until go test's own timeout, which names the seed. That is a defect found; where
//     a test counts such tries, it gives its line a latency.
//   - A goroutine that waits for a mutex is not idle in a bubble's eyes. One that
//     holds a mutex over a virtual pause while another wants it stops time, too.
//   - miniredis has no replicas, no lost tails, no full memory, no cluster, and WAIT
//     does nothing there: R14 to R18 and R40 to R44 are shown in package simulation
//     and on real servers. kfake's brokers share one log: nothing is truncated by an
//     election (T20).
//   - CPU time costs nothing: throughput and latency are measured elsewhere.
package virtual
