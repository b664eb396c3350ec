package client

import "golang.org/x/sync/errgroup"

// askedMax is how many slots or partitions are looked at side by side: a module of 1,000
// tasks is to be looked over within a moment, and no server is to be flooded for it.
const askedMax = 32

// sideBySide calls do for 0 to n-1, and returns the first error.
func sideBySide(n int, do func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(askedMax)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}
