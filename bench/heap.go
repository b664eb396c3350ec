package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapUse is the most of the Go heap, in MB, that each round had in use, garbage included,
// beyond what there was before it.
type heapUse struct{ megabytes []float64 }

// heapEvery is how often the heap is looked at.
const heapEvery = 20 * time.Millisecond

// watch looks at the heap until the function that it returns is called. A nil heapUse does nothing.
func (h *heapUse) watch() (end func()) {
	if h == nil {
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
	return func() {
		close(stop)
		<-stopped
		h.megabytes = append(h.megabytes, float64(max(most, before)-before)/1e6)
	}
}

// last is what the round had that ended last.
func (h *heapUse) last() float64 { return h.megabytes[len(h.megabytes)-1] }

// heapBytes is what live objects and those that are not collected yet take.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
