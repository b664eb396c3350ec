// Package wire holds the bytes of everything that crosses a process or a
// restart: the names of Redis keys, the encoding of PState keys, frames between
// tasks, the progress of a source, parked records. Every format starts with a
// version; docs/formats draws them and golden vectors in the tests hold them.
package wire
