// Package overlay is what the handlers of one task read and write: a bounded
// write-through cache of the task's slot that also holds the uncommitted writes
// of the open event batch.
//
// There is one writer per slot, so one typed entry per element serves as cache
// and overlay at once: an event reads the writes of the events before it and
// its own (promise 3.39). Each event runs on a savepoint; its failure rolls back
// its writes alone. Sealing turns the dirty entries into a store.Batch; if that
// commit fails, the whole view is thrown away and filled again from the store.
//
// A read that the cache cannot answer becomes a need. A task's view then
// suspends the handler until the engine supplies the answer (View.Suspend); a
// client's view reads at once (Direct).
//
// The package does no input or output and starts nothing.
package overlay
