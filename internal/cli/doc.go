// Package cli is the command coppice: its arguments, what it prints and how it
// ends. Results go to standard output, everything else to standard error.
package cli
