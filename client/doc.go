// Package client is how programs outside a module use it: they append to its
// depots and wait for what the streams return, and they read its PStates.
//
//	var words WordCount
//	if err := c.Use(ctx, &words); err != nil { … }
//	acks, err := words.Sentences.Append(ctx, c, "to be or not to be")
//	n, err := words.Counts.Key("be").Get(c.At(ctx))
//
// A client produces straight to the depot's topic and then asks the worker that
// owns the record's task; reads go straight to the store and see committed data
// only. A client is safe for concurrent use.
package client
