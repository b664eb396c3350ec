// Package pstate holds the typed handles of PStates: durable, indexed,
// queryable state, partitioned like the module's tasks. A handle is a field of
// a module; its type is the schema, and declaring it (Stream.PState) is all
// there is to say about it.
//
//	Counts  pstate.Map[string, int64]
//	History pstate.MapOf[string, pstate.SortedMap[int64, Line]]
//
// The structures are [Value], [Map], [SortedMap], [Set], [SortedSet] and [List];
// [MapOf], [ListOf] and [Fixed] hold others, to any depth. Every element is stored and
// read by itself: reads and writes of one hardly depend on how many there are, ranges
// cost what they return, and Len is one look.
//
// A handle leads to its elements by value: History.Key("ann").Key(7) is a
// Value[Line]. Reads take a [Reader], which is an event (its task, with its own
// writes) or a client (any task, committed data). Writes take a [Writer], which
// only an event of the declaring topology is. Writes return no error: one that
// fails, fails the event, whatever the handler returns. An event of another topology
// reads what is committed.
//
// Package module/nav leads from handles to many elements at once.
//
// Keys are strings, numbers, bool, times, byte slices and arrays, and structs of such;
// sorted structures keep them in their natural order, tuples field by field. A key that
// has no place in the order, NaN above all, fails the event or the read (ErrBadKey).
//
// Values are stored as JSON, integers as decimal text, unless an option chooses another
// codec. A value that holds references (slices, maps, pointers) is the caller's own
// copy.
package pstate
