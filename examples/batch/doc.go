// Package batch has modules with batch blocks: Words keeps the most frequent words, Shop
// shows groups, joins, limits, rows that are read again and temporary PStates.
package batch
