// Package model runs random operations on PStates of every kind, through the view that
// handlers have, on a store, and compares all that is read with maps and slices in
// memory. Batches, failed events, look-ahead, lost connections and a cache that is much
// too small come by chance; every run replays from its seed.
package model
