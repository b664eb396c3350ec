// Package fleet runs the workers of a module as processes of this program, on servers of its own,
// for commands that kill, stop and replace them under load and look at what becomes of the
// tasks: how long each stood still, and whether anything was lost.
//
// Reading order: servers.go (what a command runs on), fleet.go (the processes), worker.go
// (what such a process does), samples.go (what acknowledged appends tell), times.go.
package fleet
