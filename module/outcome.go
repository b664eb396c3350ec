package module

import "errors"

// Reject ends the record here: no retry, nothing parked; the appender gets
// ErrRejected with err's text. The writes, hops and returns of this event are
// dropped; those of other events of the record stay.
func Reject(err error) error { return &outcomeError{err: err, rejected: true} }

// Park takes the record out of the stream at once, with its reason, for a person
// to decide: it lies with the task's parked records. The writes of this event
// are dropped.
func Park(reason error) error { return &outcomeError{err: reason} }

type outcomeError struct {
	err      error
	rejected bool
}

func (e *outcomeError) Error() string {
	if e.err == nil {
		return "no reason given"
	}
	return e.err.Error()
}
func (e *outcomeError) Unwrap() error { return e.err }

// OutcomeOf tells how a handler's error ends its record. For the engine.
func OutcomeOf(err error) (rejected, parked bool) {
	if o, ok := errors.AsType[*outcomeError](err); ok {
		return o.rejected, !o.rejected
	}
	return false, false
}
