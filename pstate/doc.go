// Package pstate holds the typed handles of PStates: durable, indexed,
// queryable state, partitioned like the module's tasks. A handle is a field of
// a module; its type is the schema, and declaring it (Stream.PState) is all
// there is to say about it.
//
//	Counts  pstate.Map[string, int64]
//	History pstate.MapOf[string, pstate.SortedMap[int64, Line]]
//
// A handle leads to its elements by value: History.Key("ann").Key(7) is a
// Value[Line]. Reads take a [Reader], which is an event (its task, with its own
// writes) or a client (any task, committed data). Writes take a [Writer], which
// only an event of the declaring topology is. Writes return no error: one that
// fails, fails the event, whatever the handler returns.
//
// Values are stored as JSON, integers as decimal text. A value that holds
// references (slices, maps, pointers) is the caller's own copy.
package pstate
