package client

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/task"
)

// Classes of append errors, for errors.Is. The error types beside them say more.
var (
	// ErrNotAppended: the record is certainly not in the depot.
	ErrNotAppended = errors.New("not appended")
	// ErrRejected: the record is in the depot, a handler rejected it.
	ErrRejected = errors.New("rejected")
	// ErrFailed: the record is in the depot, processing it failed.
	ErrFailed = errors.New("processing failed")
	// ErrThrottled: the record is in the depot and has not begun to be processed:
	// its task has as many under way as it may. It runs when there is room; Await
	// asks again.
	ErrThrottled = errors.New("throttled")
	// ErrAck: the record is processed, and something that its handlers returned is not
	// in the acks.
	ErrAck = errors.New("an ack return is lost")
	// ErrUnknown: nobody answered in time. With an offset, the record is in the
	// depot and Await asks again; without, it may be, and Await has nothing to ask for.
	ErrUnknown = errors.New("outcome unknown")
	// ErrUnheard: a setting is kept, and some tasks have not said that they go by it.
	ErrUnheard = errors.New("not heard of everywhere")
	// ErrClosed: the client was closed, before or meanwhile.
	ErrClosed = errors.New("the client is closed")
	// ErrNoOffset: the place of the record has no offset, so nobody can be asked about it.
	ErrNoOffset = errors.New("the place has no offset")
	// ErrNoModule: no module of that name has ever run on these servers.
	ErrNoModule = errors.New("unknown module")
	// ErrMismatch: the module that runs lacks something that this program's
	// version of it declares.
	ErrMismatch = errors.New("the running module is another version")
)

// Place is where a record lies.
type Place struct {
	Module    string `json:"module"`
	Depot     string `json:"depot"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"` // -1 if not known
}

func (p Place) String() string {
	if p.Offset < 0 {
		return fmt.Sprintf("depot %s.%s, partition %d", p.Module, p.Depot, p.Partition)
	}
	return fmt.Sprintf("depot %s.%s, partition %d, offset %d", p.Module, p.Depot, p.Partition, p.Offset)
}

// NotAppendedError says why a record is not in the depot.
type NotAppendedError struct {
	Place Place
	Cause error
}

func (e *NotAppendedError) Error() string {
	return fmt.Sprintf("%v: not appended: %v", e.Place, e.Cause)
}
func (e *NotAppendedError) Is(target error) bool { return target == ErrNotAppended }
func (e *NotAppendedError) Unwrap() error        { return e.Cause }

// RejectedError carries the text of a handler's Reject.
type RejectedError struct {
	Place    Place
	Topology string
	Text     string
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("rejected by %s: %s (%v)", e.Topology, e.Text, e.Place)
}
func (e *RejectedError) Is(target error) bool { return target == ErrRejected }

// FailedError says that processing failed: an attempt (WillRetry), or for good:
// the record is parked (Parked), or dropped by a source that does not retry. Of a parked record
// that was retried (Retried) it says that it stays parked, and Attempt is 0 where it could not
// be read how many there were.
type FailedError struct {
	Place     Place
	Topology  string
	Text      string
	Attempt   int
	WillRetry bool
	Parked    bool
	Retried   bool // by RetryParked
}

func (e *FailedError) Error() string {
	what := "it is dropped, since the source does not retry"
	switch {
	case e.Retried && e.Attempt == 0:
		return fmt.Sprintf("%v: the retry failed in %s: %s; the record stays parked", e.Place, e.Topology, e.Text)
	case e.Retried:
		return fmt.Sprintf("%v: the retry, attempt %d, failed in %s: %s; the record stays parked", e.Place, e.Attempt, e.Topology, e.Text)
	case e.WillRetry:
		what = "it will be tried again"
	case e.Parked:
		what = "the record is parked"
	}
	return fmt.Sprintf("%v: attempt %d failed in %s: %s; %s", e.Place, e.Attempt, e.Topology, e.Text, what)
}
func (e *FailedError) Is(target error) bool { return target == ErrFailed }

// ThrottledError says that the record has not begun, since its task is at a limit (promise 3.89).
// An append's is in the depot; whether one that Await asks about is, nobody has looked.
type ThrottledError struct {
	Place    Place
	Topology string
	Text     string

	appended bool // the log has confirmed it just now
}

func (e *ThrottledError) Error() string {
	if !e.appended {
		return fmt.Sprintf("%v: the record has not begun: %s", e.Place, e.Text)
	}
	return fmt.Sprintf("%v: the record is in the depot and waits to be processed: %s", e.Place, e.Text)
}
func (e *ThrottledError) Is(target error) bool { return target == ErrThrottled }

// AckError says that the record is processed, with all of its effects, and that values
// which its handlers returned could not be combined: the acks lack them.
type AckError struct {
	Place    Place
	Topology string
	Text     string
}

func (e *AckError) Error() string {
	return fmt.Sprintf("%v: the record is processed, but what %s returned is not in the acks: %s", e.Place, e.Topology, e.Text)
}
func (e *AckError) Is(target error) bool { return target == ErrAck }

// UnknownError says that the outcome is not known. Place has an offset where the append
// was confirmed, or where the caller of Await named one.
type UnknownError struct {
	Place Place
	Cause error
	// appended: the log has confirmed the record.
	appended bool
}

func (e *UnknownError) Error() string {
	switch {
	case e.Place.Offset < 0:
		return fmt.Sprintf("%v: it is not known whether the record was appended: %v", e.Place, e.Cause)
	case e.appended:
		return fmt.Sprintf("%v: the record is in the depot, whether it is processed is not known: %v; ask again with Await", e.Place, e.Cause)
	}
	return fmt.Sprintf("%v: whether a record of that offset is processed is not known: %v; ask again with Await", e.Place, e.Cause)
}
func (e *UnknownError) Is(target error) bool { return target == ErrUnknown }
func (e *UnknownError) Unwrap() error        { return e.Cause }

// NoOffsetError says that a place names no record, since it has no offset: that of an
// UnknownError whose record may not be in the depot, or of an append that did not wait
// (module.AckNone).
type NoOffsetError struct{ Place Place }

func (e *NoOffsetError) Error() string {
	return fmt.Sprintf("%v: the place has no offset, so nobody can tell what became of its record; append it again with the id that it had, or where twice does no harm (package module: AppendIDs), or read the PStates; an append with AckAppend or AckAll that succeeds has an offset", e.Place)
}
func (e *NoOffsetError) Is(target error) bool { return target == ErrNoOffset }

// UnheardError says that a topology's setting is kept, so that whoever owns a task goes by it as
// soon as it can, and that some do not yet, or a microbatch that began before is not over.
type UnheardError struct {
	Module, Topology, Option string
	Value                    string    // "": the setting is taken back
	Tasks                    []task.ID // that have not answered; none: the microbatch is what is waited for
	Cause                    error
}

func (e *UnheardError) Error() string {
	what := fmt.Sprintf("%s is set to %q", e.Option, e.Value)
	if e.Value == "" {
		what = e.Option + " is taken back"
	}
	return fmt.Sprintf("module %s, topology %s: %s; %s", e.Module, e.Topology, what, e.Warning())
}

// Warning says what is not as it should be yet, without what has been done.
func (e *UnheardError) Warning() string {
	switch len(e.Tasks) {
	case 0:
		return e.Cause.Error()
	case 1:
		return fmt.Sprintf("task %d has not said that it goes by it, which it will when it can: %v", e.Tasks[0], e.Cause)
	}
	return fmt.Sprintf("%d tasks, from task %d on, have not said that they go by it, which they will when they can: %v", len(e.Tasks), e.Tasks[0], e.Cause)
}

func (e *UnheardError) Is(target error) bool { return target == ErrUnheard }
func (e *UnheardError) Unwrap() error        { return e.Cause }
