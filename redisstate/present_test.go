package redisstate

import (
	"testing"

	"github.com/coppice-run/coppice/task"
)

// R18: the nodes of a cluster do not agree about a slot while one of them is cut off
// from the others. The claim of the later epoch counts, whoever tells of it.
func TestTheLatestClaimCounts(t *testing.T) {
	t.Parallel()
	const (
		cutOff = `old 10.0.0.1:6379@16379 myself,master - 0 0 3 connected 0-99 200 [77->-new]
new 10.0.0.2:6379@16379 slave,fail? old 0 0 3 disconnected
other 10.0.0.3:6379@16379 master,fail? - 0 0 2 disconnected 100-199
`
		others = `new 10.0.0.2:6379@16379,host myself,master - 0 0 7 connected 0-99 200
old 10.0.0.1:6379@16379 master,fail - 0 0 3 disconnected
other 10.0.0.3:6379@16379 master - 0 0 2 connected 100-199 [150-<-new]
`
		odd = "no sense\nx 10.0.0.9:1@2 master - 0 0 nine connected 0-16383\ny 10.0.0.9:1@2 master - 0 0 9 connected 16380-99999 x-y\n"
	)
	for name, answers := range map[string][]string{"the one that is cut off first": {cutOff, others, odd}, "last": {odd, others, cutOff}} {
		owners := make([]claim, task.SlotCount)
		for _, a := range answers {
			readClaims(a, owners)
		}
		for slot, want := range map[int]string{0: "new", 77: "new", 99: "new", 100: "other", 150: "other", 199: "other", 200: "new", 201: "", 16379: "", 16380: "y", 16383: "y"} {
			if got := owners[slot].node; got != want {
				t.Errorf("%s: slot %d is %q's, want %q's", name, slot, got, want)
			}
		}
	}
}
