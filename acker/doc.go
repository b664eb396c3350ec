// Package acker keeps account of event trees: which records are still being
// worked on, however many events they set off and wherever those run.
//
// A tree is one 64-bit value at the root's task (promise 3.34). Each event has an
// id; when it is done, its own id and the ids of the events that it sent off
// are XORed into the value. Every id enters twice, once when its event is sent
// off and once when it is done, so the value is zero when and, but for chance in
// the order of n*n/2^65, only when nothing is under way (promise 3.33).
//
// The transport must not deliver an ack twice: a doubled one cancels itself
// (T30).
package acker
