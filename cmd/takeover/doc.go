// Command takeover measures how long the tasks of a worker stand still when it dies,
// and when it passes them on in good order.
//
//	takeover -sizes 10,1000 -kills 5 -moves 10
//
// It starts Kafka and Redis, and workers as processes that share a module. For each
// size the PStates are filled until each worker keeps so many megabytes; then, under a
// steady load of acknowledged appends to every task, of which half hop to another one,
//
//   - a worker is killed (SIGKILL), several times. A task goes on with the first record
//     that another worker processes. The goal is the session timeout and one second,
//     whatever the size, and with each 1.2 times what it is with the smallest;
//   - a worker joins, and leaves again (SIGTERM), several times. A task pauses from the
//     last record that its former owner processed to the first one of its new owner. The
//     goal is 200 ms at the 99th percentile.
//
// Every record says which worker processed it, and when. After each size what tasks have counted
// is held against the appends that were answered: with none of those missing, the last line is
//
//	killed: 10 MB … s, 1000 MB … s beyond a session of 6 s (goal 1 s); handed over: p99 … ms, … ms (goal 200 ms)
//
// and the exit code is 1 where a goal is missed. With -json the figures go into a file,
// too, of which the page about speed is made.
package main
