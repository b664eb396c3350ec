package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// roundUse is what each round had and took of the machine.
type roundUse struct {
	s *servers
	// megabytes is the most of the Go heap that was in use, garbage included, beyond what there
	// was before.
	megabytes []float64
	spent     []usage
}

// heapEvery is how often the heap is looked at.
const heapEvery = 20 * time.Millisecond

// watch notes what is had and taken until the function that it returns is called for the first time. A nil
// roundUse does nothing.
func (u *roundUse) watch(ctx context.Context) (end func()) {
	if u == nil {
		return func() {}
	}
	debug.FreeOSMemory() // collects what others have left
	before, most := heapBytes(), uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(heapEvery)
		defer tick.Stop()
		for {
			most = max(most, heapBytes())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	from, failed := u.s.usage(ctx)
	return sync.OnceFunc(func() {
		to, failedToo := u.s.usage(ctx)
		var spent usage
		if failed == nil && failedToo == nil { // one of the two alone would be the sum since Redis began
			spent.add(from, to)
		}
		close(stop)
		<-stopped
		u.spent = append(u.spent, spent)
		u.megabytes = append(u.megabytes, float64(max(most, before)-before)/1e6)
	})
}

// last is what the round had and took that ended last.
func (u *roundUse) last() (megabytes float64, spent usage) {
	last := len(u.megabytes) - 1
	return u.megabytes[last], u.spent[last]
}

// heapBytes is what live objects and those that are not collected yet take.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
