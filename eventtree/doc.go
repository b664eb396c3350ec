// Package eventtree says where event trees are: what a record of a depot has set off,
// which of its events wait for what, and how they ended. It holds data alone; the engine
// fills it in (runtime.Task.Trees), workers add what they know, and client.Tree puts it
// together.
//
// A record has one tree in each source that reads its depot. What is known of a tree is of
// two kinds. What is under way is looked up when somebody asks, and is always there. What
// is over is kept by the workers for a sample of the records, and for all that failed, were
// tried again, were parked or took long; how much, is bounded.
package eventtree
