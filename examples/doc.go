// Package examples holds modules to read and to run, each in a folder of its own with a
// command: go run ./examples/wordcount/cmd. The tests here run those whose output says all.
package examples
