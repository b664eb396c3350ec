package localcluster

import (
	"fmt"
	"sync"
	"time"
)

// Clock is a clock that a test moves. What a module sees of time is when its records
// were appended (Event.Now): with a Clock that is the clock's time, which stands still
// between two calls of Advance. What the tasks wait for (timeouts of trees, pauses
// between attempts, checkpoints) goes by real time, and Advance takes it along: a
// minute further, all that would have been due within the minute is.
//
// All methods may be called from any goroutine.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	ahead time.Duration
	moved chan struct{} // closed by the next Advance
}

// NewClock returns a clock that shows a time, cut to milliseconds as append times are.
func NewClock(start time.Time) *Clock {
	return &Clock{now: start.Truncate(time.Millisecond), moved: make(chan struct{})}
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock. Time does not go back: it panics if d is negative.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		panic(fmt.Sprintf("localcluster: Clock.Advance(%v): time does not go back", d))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.ahead += d
	close(c.moved)
	c.moved = make(chan struct{})
}

// Ahead is the sum of all Advance. For workers.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}

// Moved returns a channel that the next Advance closes. For workers.
func (c *Clock) Moved() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moved
}
