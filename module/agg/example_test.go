package agg_test

import (
	"fmt"

	"github.com/coppice-run/coppice/module/agg"
)

// An aggregator says how many values become one: in PStates (Into), in what appends return
// (DeclareAck), in batch blocks.
func Example() {
	top := agg.Top(2, func(a, b string) int { return len(b) - len(a) })
	longest := top.Zero()
	for _, word := range []string{"to", "question", "be", "that"} {
		longest = top.Add(longest, word)
	}
	result, _ := top.Result(longest)
	fmt.Println(result)
	// Output: [question that]
}
