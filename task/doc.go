// Package task is the vocabulary of placement: what a task is, which hash tag
// its keys carry, which task a key belongs to, and how one ownership period of
// a task is told from the next.
//
// A module has N tasks, fixed when it is first launched. Task i owns partition
// i of every depot and every PState of its module. All of a task's state lies
// in one Redis hash slot, chosen by its tag ([Tag]).
//
// The package imports nothing of the project and does no input or output.
package task
