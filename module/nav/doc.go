// Package nav holds paths: typed ways from a PState to elements of it, one or many, to
// read them ([Select], [SelectAll], [SelectOne]) and to change them ([Set], [Update],
// [Delete]). Each navigator is a function that takes a path and returns a longer one:
//
//	// the amounts of ann's orders of that week
//	orders := nav.MapVals(nav.MapRange(nav.From(m.Orders.Key("ann")), monday, friday))
//	amounts := nav.Within(orders, func(o *Order) *int { return &o.Amount })
//	for amount, err := range nav.Select(r, amounts) { … }
//	nav.Update(ev, amounts, func(n int) int { return n + 10 })
//
// What a navigator takes is in its type: a range of an unordered map does not compile,
// nor does replacing a key, or what was computed.
//
// A path reads what it leads through, and no more: a key is one look, a range what it
// returns. A client's [SelectAll] and [SelectOne] are of one moment up to 1,000 elements
// and 1 MiB of one task; beyond that, and in [Select], what different answers of the store
// gave is of different moments, which [Pages] names. In an event there is one moment:
// nothing else writes meanwhile.
//
// Functions in a path run whenever it is walked, in a handler perhaps more often than
// once for one event: they compute, and do nothing else.
package nav
