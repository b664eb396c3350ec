package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/task"
)

// Config says what is served, and within which limits.
type Config struct {
	// Client speaks to the modules. Required; the handler does not close it.
	Client *client.Client
	// Authorize, if set, is asked before each request is served; an error refuses it,
	// with its text. Default: everything is allowed, so that the handler belongs behind
	// something that knows who asks.
	Authorize func(*http.Request, Access) error
	// Overview, if set, is what overviews are asked from; the console shares its own.
	// Default: one of the handler's.
	Overview *overview.Overview
	// Who names who asks, for the audit log. Default: the address that the request came from.
	Who func(*http.Request) string
	// BodyBytesMax bounds the body of a request. Default 8 MiB: a record of 4 MiB, in
	// base64.
	BodyBytesMax int64
	// Timeout bounds how long a request takes; watches have no end. Default 30 s.
	Timeout time.Duration
	// WatchesMax bounds the watches at a time. Default 1,000.
	WatchesMax int
	// WatchPeriod is how often a watch looks whether something was committed. Default 50 ms.
	WatchPeriod time.Duration
	// Heartbeat is how often a watch without changes says that it is there. Default 15 s.
	Heartbeat time.Duration
}

// Access is what a request wants.
type Access struct {
	Operation string // id of the operation, as the OpenAPI document has it
	Module    string // "" where it is about none
	Changes   bool   // it appends, sets or orders something
}

// Handler serves the API under /v1/.
type Handler struct {
	config  Config
	mux     *http.ServeMux
	watches chan struct{} // one for each watch that is under way
	origin  *http.CrossOriginProtection
}

// New makes the handler.
func New(config Config) (*Handler, error) {
	if config.Client == nil {
		return nil, errors.New("httpapi: Config.Client is required")
	}
	if config.Overview == nil {
		config.Overview = overview.New(overview.Config{Cluster: config.Client})
	}
	if config.Who == nil {
		config.Who = RemoteHost
	}
	setDefault(&config.BodyBytesMax, 8<<20)
	setDefault(&config.Timeout, 30*time.Second)
	setDefault(&config.WatchesMax, 1000)
	setDefault(&config.WatchPeriod, 50*time.Millisecond)
	setDefault(&config.Heartbeat, 15*time.Second)
	h := &Handler{config: config, mux: http.NewServeMux(), watches: make(chan struct{}, config.WatchesMax), origin: http.NewCrossOriginProtection()}
	for i := range operations {
		op := &operations[i]
		h.mux.HandleFunc(op.method+" "+op.pattern, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, op) })
	}
	h.mux.HandleFunc("/", h.unknown)
	return h, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// unknown answers requests to nothing.
func (h *Handler) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := h.mux.Handler(other); pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if allowed != nil {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, &Problem{Code: "wrong_method", Status: http.StatusMethodNotAllowed, Detail: fmt.Sprintf("%s is not for %s", r.Method, r.URL.Path), Mend: "use " + strings.Join(allowed, " or ")})
		return
	}
	writeProblem(w, &Problem{Code: "unknown_route", Status: http.StatusNotFound, Detail: fmt.Sprintf("there is nothing at %s", r.URL.Path), Mend: "GET /v1/openapi.json says what there is"})
}

// request is a request to an operation.
type request struct {
	h   *Handler
	w   http.ResponseWriter
	r   *http.Request
	op  *operation
	ctx context.Context

	audit client.AuditEntry // what is changed; noted where Subject is set
}

func (q *request) client() *client.Client { return q.h.config.Client }

// path is a part of the path, by its name.
func (q *request) path(name string) string { return q.r.PathValue(name) }

// query is a parameter of the query, "" if there is none.
func (q *request) query(name string) string { return q.r.URL.Query().Get(name) }

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, op *operation) {
	q := &request{h: h, w: w, r: r, op: op, ctx: r.Context()}
	if !op.endless {
		ctx, cancel := context.WithTimeout(q.ctx, h.config.Timeout)
		defer cancel()
		q.ctx = ctx
	}
	if err := h.origin.Check(r); err != nil {
		writeProblem(w, &Problem{Code: "cross_origin", Status: http.StatusForbidden, Detail: err.Error(), Mend: "ask from the page's own server, not from a browser's page of another"})
		return
	}
	if h.config.Authorize != nil {
		if err := h.config.Authorize(r, Access{Operation: op.id, Module: r.PathValue("module"), Changes: op.changes}); err != nil {
			writeProblem(w, &Problem{Code: "forbidden", Status: http.StatusForbidden, Detail: err.Error(), Mend: "ask who runs the server"})
			return
		}
	}
	if err := q.knownParameters(); err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	result, err := op.serve(q)
	switch {
	case errors.Is(err, errServed):
	case err != nil:
		writeProblem(w, problemOf(q.noted(err)))
	default:
		if err := q.noted(nil); err != nil {
			writeProblem(w, problemOf(err))
			return
		}
		status := http.StatusOK
		if s, ok := result.(interface{ status() int }); ok {
			status = s.status()
		}
		writeJSON(w, status, "application/json", result)
	}
}

// errServed: the operation has answered itself.
var errServed = errors.New("served")

// knownParameters refuses parameters that the operation has not got: one that is
// mistyped would be ignored.
func (q *request) knownParameters() error {
	for name, values := range q.r.URL.Query() {
		p := q.op.parameter(name)
		if p == nil {
			return &Problem{Code: "wrong_parameter", Status: http.StatusBadRequest, Where: "query " + name, Detail: fmt.Sprintf("there is no parameter %q", name), Mend: "leave it out, or see /v1/openapi.json"}
		}
		if len(values) > 1 && !p.many {
			return &Problem{Code: "wrong_parameter", Status: http.StatusBadRequest, Where: "query " + name, Detail: fmt.Sprintf("the parameter %q stands there %d times", name, len(values)), Mend: "give it once"}
		}
	}
	return nil
}

// body reads the JSON body into v, which has no other fields.
func (q *request) body(v any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, q.h.config.BodyBytesMax))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &Problem{Code: "body_too_large", Status: http.StatusRequestEntityTooLarge, Where: "body", Detail: fmt.Sprintf("the body has more than %d bytes", large.Limit), Mend: "send less at a time"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Problem{Code: "slow_request", Status: http.StatusRequestTimeout, Where: "body", Detail: "the body did not come in time", Mend: "send it faster, or less at a time"}
	case err != nil:
		return &Problem{Code: "wrong_body", Status: http.StatusBadRequest, Where: "body", Detail: err.Error(), Mend: "send the whole body"}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(v)
	if err == nil {
		if _, behind := decoder.Token(); !errors.Is(behind, io.EOF) {
			err = errors.New("there is something behind the JSON value")
		}
	}
	if err != nil {
		return &Problem{Code: "wrong_body", Status: http.StatusBadRequest, Where: "body", Detail: "the body is not what the operation takes: " + err.Error(), Mend: "see the operation's requestBody in /v1/openapi.json"}
	}
	return nil
}

// number reads a parameter that is a whole number from min to max; def if it is not there.
func (q *request) number(name string, def, min, max int) (int, error) {
	text := q.query(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < min || n > max {
		return 0, &Problem{Code: "wrong_parameter", Status: http.StatusBadRequest, Where: "query " + name, Detail: fmt.Sprintf("%q is no whole number from %d to %d", text, min, max), Mend: "give one, or leave the parameter out"}
	}
	return n, nil
}

// tasks reads the parameters task.
func (q *request) tasks() ([]task.ID, error) {
	var all []task.ID
	for _, text := range q.r.URL.Query()["task"] {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, &Problem{Code: "wrong_parameter", Status: http.StatusBadRequest, Where: "query task", Detail: fmt.Sprintf("%q is no number of a task", text), Mend: "give one, or leave the parameter out"}
		}
		all = append(all, task.ID(n))
	}
	return all, nil
}

func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // who asked has gone
}
