package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/transport"
)

// Problem is what went wrong, as problem details (RFC 9457).
type Problem struct {
	Type   string `json:"type"`  // about:blank
	Title  string `json:"title"` // what the status means
	Status int    `json:"status"`
	Code   string `json:"code"`            // for programs
	Detail string `json:"detail"`          // what is wrong
	Where  string `json:"where,omitempty"` // in the request: "path, byte 12", "query limit", "body"
	Mend   string `json:"mend"`            // what to do
	// Appended says of an append whether the record is in the depot: "yes", "no" or
	// "unknown"; Place is where it is, or where the parked record is that was retried.
	Appended string        `json:"appended,omitempty"`
	Place    *client.Place `json:"place,omitempty"`
}

// Error is the text.
func (p *Problem) Error() string { return p.Detail }

// code is what a class of errors is told as.
type code struct {
	err    error
	code   string
	status int
	mend   string
	see    string // the operation that tells more; "": none does
}

// codes are tried in this order.
var codes = []code{
	{client.ErrNoModule, "unknown_module", http.StatusNotFound, "look at the list of modules", "GET /v1/modules"},
	{client.ErrNoDepot, "unknown_depot", http.StatusNotFound, "look which depots it has", "GET /v1/modules/{module}"},
	{client.ErrNoPState, "unknown_pstate", http.StatusNotFound, "look which PStates it has", "GET /v1/modules/{module}"},
	{client.ErrNoQuery, "unknown_query", http.StatusNotFound, "look which queries it has", "GET /v1/modules/{module}"},
	{client.ErrArgument, "wrong_argument", http.StatusBadRequest, "give an argument of the query's type", "GET /v1/modules/{module}"},
	{client.ErrQueryFailed, "query_failed", http.StatusUnprocessableEntity, "the query's own function refuses: see what it says", ""},
	{client.ErrQueryLate, "query_late", http.StatusGatewayTimeout, "ask for less", ""},
	{client.ErrQueryTooLarge, "result_too_large", http.StatusUnprocessableEntity, "ask for less", ""},
	{client.ErrUnknownOption, "unknown_option", http.StatusNotFound, "look at the list of options", "GET /v1/modules/{module}/options"},
	{client.ErrUnknownPlace, "unknown_topology", http.StatusNotFound, "look which topologies and depots it has", "GET /v1/modules/{module}"},
	{client.ErrWrongPlace, "wrong_place", http.StatusBadRequest, "set the option where it can be set", ""},
	{client.ErrWrongValue, "wrong_value", http.StatusBadRequest, "give a value of the option's unit", ""},
	{client.ErrWrongPath, "wrong_path", http.StatusBadRequest, "mend the path at the place that is named", ""},
	{client.ErrWrongType, "wrong_type", http.StatusBadRequest, "give a value of the type that is named", ""},
	{client.ErrTooLarge, "result_too_large", http.StatusUnprocessableEntity, "narrow the path: a range, a filter or limit(n)", ""},
	{client.ErrPlacedByCode, "placed_by_code", http.StatusBadRequest, "say which task, with the parameter task", ""},
	{client.ErrNoTask, "unknown_task", http.StatusBadRequest, "look at the list of tasks", "GET /v1/modules/{module}/tasks"},
	{client.ErrNoPartition, "unknown_partition", http.StatusBadRequest, "look how many partitions the depot has", "GET /v1/modules/{module}"},
	{client.ErrNoRecord, "unknown_record", http.StatusNotFound, "look what the partition holds", "GET /v1/modules/{module}/depots/{depot}/records"},
	{client.ErrWrongRecord, "wrong_record", http.StatusBadRequest, "send a record of the depot's type", "GET /v1/modules/{module}"},
	{client.ErrNoCode, "no_worker", http.StatusServiceUnavailable, "start a worker of the module, or give a key or a partition", ""},
	{client.ErrNoOwner, "no_worker", http.StatusServiceUnavailable, "start a worker of the module", ""},
	{transport.ErrNoListener, "no_worker", http.StatusServiceUnavailable, "start a worker of the module", ""},
	{client.ErrNotParked, "not_parked", http.StatusNotFound, "look at the list of what is parked", "GET /v1/modules/{module}/parked"},
	{client.ErrNoTopic, "no_records", http.StatusConflict, "read another depot: one of ticks holds no records", ""},
	{depot.ErrOutOfRange, "out_of_range", http.StatusBadRequest, "ask for offsets that the partition holds", ""},
	{client.ErrNoMicrobatches, "no_microbatches", http.StatusNotFound, "look of which kinds its topologies are", "GET /v1/modules/{module}"},
	{client.ErrMismatch, "other_version", http.StatusConflict, "ask again", ""},
	{pstate.ErrPrivate, "private", http.StatusForbidden, "read another PState", ""},
	{pstate.ErrBadKey, "wrong_type", http.StatusBadRequest, "give a key that has a stored form", ""},
	{module.ErrDisallowed, "appends_disallowed", http.StatusForbidden, "append to another depot", ""},
	{module.ErrNoAppendIDs, "no_append_ids", http.StatusBadRequest, "leave the id out, or declare the depot with AppendIDs", ""},
	{nav.ErrNone, "none", http.StatusNotFound, "use select where there may be none", ""},
	{nav.ErrMany, "many", http.StatusConflict, "use select where there may be several", ""},
	{nav.ErrMoved, "moved", http.StatusServiceUnavailable, "ask again, for less", ""},
	{client.ErrNotAppended, "not_appended", http.StatusServiceUnavailable, "send the record again", ""},
	{client.ErrRejected, "rejected", http.StatusConflict, "a handler refuses the record: send another", ""},
	{client.ErrFailed, "failed", http.StatusConflict, "the record is in the depot: do not send it again; see parked records", ""},
	{client.ErrAck, "acks_incomplete", http.StatusInternalServerError, "the record is processed, and what its handlers returned is not in the answer: do not send it again; see the module's aggregators", ""},
	{client.ErrThrottled, "throttled", http.StatusAccepted, "the record is in the depot and runs when there is room: do not send it again", ""},
	{client.ErrUnknown, "outcome_unknown", http.StatusGatewayTimeout, "the record may be in the depot: look before it is sent again", ""},
	{depot.ErrUnreachable, "timeout", http.StatusGatewayTimeout, "look whether Kafka answers: coppice doctor looks at it, at Redis and at the workers", ""},
	{context.DeadlineExceeded, "timeout", http.StatusGatewayTimeout, "ask again, for less if that can be; if it stays so, look whether Kafka, Redis and the workers answer: coppice doctor looks at each", ""},
	{context.Canceled, "timeout", http.StatusGatewayTimeout, "ask again", ""},
}

// problemOf says an error as a problem, with the operations that tell more.
func problemOf(err error) *Problem {
	p, see := problemAndSee(err)
	p.Mend += leadOn(see)
	return p
}

// leadOn leads on to an operation, if there is one.
func leadOn(see string) string {
	if see == "" {
		return ""
	}
	return ": " + see
}

// problemAndSee says an error as a problem, and which operation tells more.
func problemAndSee(err error) (p *Problem, see string) {
	if errors.As(err, &p) {
		return p, ""
	}
	p = &Problem{Code: "internal", Status: http.StatusInternalServerError, Detail: err.Error(), Mend: "ask again; if it stays so, ask who runs the server"}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			p.Code, p.Status, p.Mend, see = c.code, c.status, c.mend, c.see
			break
		}
	}
	var path *client.PathError
	if errors.As(err, &path) {
		p.Where = where(path)
	}
	p.appended(err)
	return p, see
}

// appended says whether a record is in its depot.
func (p *Problem) appended(err error) {
	var rejected *client.RejectedError
	var failed *client.FailedError
	var throttled *client.ThrottledError
	var unknown *client.UnknownError
	var incomplete *client.AckError
	switch {
	case errors.As(err, &incomplete):
		p.Appended, p.Place = "yes", &incomplete.Place
	case errors.As(err, &rejected):
		p.Appended, p.Place = "yes", &rejected.Place
	case errors.As(err, &failed) && failed.Retried: // nobody has appended it just now
		p.Place, p.Mend = &failed.Place, "the record stays parked: mend what it says, or edit or skip the record, and retry it then"
	case errors.As(err, &failed):
		p.Appended, p.Place = "yes", &failed.Place
	case errors.As(err, &throttled):
		p.Appended, p.Place = "yes", &throttled.Place
	case errors.As(err, &unknown):
		p.Appended, p.Place = "unknown", &unknown.Place
		if unknown.Place.Offset >= 0 {
			p.Appended, p.Status, p.Mend = "yes", http.StatusAccepted, "the record is in the depot, and its outcome is not known yet: do not send it again"
		}
	case errors.Is(err, client.ErrNotAppended):
		p.Appended = "no"
	}
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

// ProblemOf says an error of the client as a problem: what is wrong, and what to do. For
// servers that show it to people, who have pages and not operations.
func ProblemOf(err error) *Problem {
	found, _ := problemAndSee(err)
	p := *found
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	return &p
}
