// Package chaos says which faults hit a running system, when, and for how long,
// and carries that out: [Draw] makes a [Plan] from a seed, [Run] leads an
// [Actor] through it and writes a [Timeline] with wall-clock times, from which
// checkers see what was broken while something happened ([Spans]).
//
// What is broken is the actor's business; [RigActor] breaks the servers, proxies
// and programs of a [github.com/coppice-run/coppice/internal/stack.Rig].
//
// A plan keeps these rules:
//
//   - a fault begins at least every 4 s, provided that cuts of connections to
//     Redis are among the kinds; without them 4 s never pass without a fault
//     under way
//   - all kinds come about equally often, in any order
//   - whom a fault has hit has a second of rest after it
//
// With [Config].KillEvery a worker is killed by the clock, beside faults of the servers.
//
// These rules a run keeps also where servers take longer than planned:
//
//   - a server has one lasting fault at a time; connections are cut also during
//     other faults, unless the server is down
//   - a worker has one fault at a time, and one worker is left in peace
//     (if there is but one, it is not)
//   - every fault is mended before the end
//   - where faults that are due wait for others to be mended, connections are cut meanwhile, so
//     that one begins at least every 4 s (if cuts are among the kinds, and a server is there)
//
// So nothing is away for ever, and no two faults together make it so.
package chaos
