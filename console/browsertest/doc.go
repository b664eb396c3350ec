// Package browsertest drives the console in a real browser, on a cluster in this process with
// traffic: 'make console-test'. It is a module of its own, so that what drives the browser is
// no dependency of the library.
package browsertest
