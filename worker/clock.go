package worker

import "time"

// Clock is a clock that a test moves.
type Clock interface {
	// Now is the time of day; sources that start a time ago begin by it.
	Now() time.Time
	// Ahead is how far the tasks' timeouts, pauses and periods are ahead of real time.
	// It never shrinks.
	Ahead() time.Duration
	// Moved returns a channel that is closed when Ahead grows.
	Moved() <-chan struct{}
}

// now is the time of day.
func (w *Worker) now() time.Time {
	if w.config.Clock != nil {
		return w.config.Clock.Now()
	}
	return time.Now()
}

// ahead is how far the tasks' time is ahead.
func (w *Worker) ahead() time.Duration {
	if w.config.Clock != nil {
		return w.config.Clock.Ahead()
	}
	return 0
}

// moved is closed when that changes; nil: it never does.
func (w *Worker) moved() <-chan struct{} {
	if w.config.Clock != nil {
		return w.config.Clock.Moved()
	}
	return nil
}
