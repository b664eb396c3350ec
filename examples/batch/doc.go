// Package batch has modules with batch blocks: Words keeps the most frequent words, Shop
// and Numbers show groups, joins, limits, rows that are read again and temporary PStates, Pairs
// sums beside steps.
package batch
