package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
)

// levels are what an append may wait for.
var levels = map[string]module.Level{"": module.AckAll, "ack": module.AckAll, "appendAck": module.AckAppend, "none": module.AckNone}

func appendRecord(q *request) (any, error) {
	var body appendBody
	if err := q.body(&body); err != nil {
		return nil, err
	}
	level, ok := levels[body.AckLevel]
	wrong := func(where, detail, mend string) error {
		return &Problem{Code: "wrong_body", Status: http.StatusBadRequest, Where: "body " + where, Detail: detail, Mend: mend, Appended: "no"}
	}
	switch {
	case !ok:
		return nil, wrong("ackLevel", fmt.Sprintf("there is no level %q", body.AckLevel), "use ack, appendAck or none")
	case (body.Data == nil) == (body.Stored == nil):
		return nil, wrong("data", "there has to be data or stored, and not both", "give the record as JSON in data")
	}
	a, err := q.client().AppendJSON(q.ctx, client.JSONRecord{
		Module: q.path("module"), Depot: q.path("depot"), Data: body.Data, Stored: body.Stored, Key: body.Key, Partition: body.Partition, ID: body.ID, Level: level,
	})
	return appendAnswer{a.Place, a.Acks}, err
}

func selectGet(q *request) (any, error) {
	limit, err := q.number("limit", 0, 1, valuesMax)
	if err != nil {
		return nil, err
	}
	tasks, err := q.tasks()
	if err != nil {
		return nil, err
	}
	return q.selectPages(selectBody{Path: q.query("path"), Tasks: tasks, Limit: limit})
}

func selectPost(q *request) (any, error) {
	var body selectBody
	if err := q.body(&body); err != nil {
		return nil, err
	}
	if body.Limit < 0 || body.Limit > valuesMax {
		return nil, &Problem{Code: "wrong_body", Status: http.StatusBadRequest, Where: "body limit", Detail: fmt.Sprintf("the limit is from 1 to %d", valuesMax), Mend: "ask for lines (Accept: application/x-ndjson), which need none"}
	}
	return q.selectPages(body)
}

const linesKind = "application/x-ndjson"

func (q *request) selectPages(body selectBody) (any, error) {
	s := client.Selection{Module: q.path("module"), PState: q.path("pstate"), Path: body.Path, Tasks: body.Tasks, Limit: body.Limit}
	if strings.Contains(q.r.Header.Get("Accept"), linesKind) {
		return nil, q.selectLines(s)
	}
	limit := s.Limit
	if limit == 0 {
		limit = valuesDefault
	}
	s.Limit = limit + 1 // one more tells whether there are more
	answer, left := selectAnswer{Pages: []client.SelectedPage{}}, limit
	for page, err := range q.client().Select(q.ctx, s) {
		if err != nil {
			return nil, err
		}
		if len(page.Values) > left {
			answer.More, page.Values = true, page.Values[:left]
		}
		if left -= len(page.Values); len(page.Values) > 0 {
			answer.Pages = append(answer.Pages, page)
		}
	}
	return answer, nil
}

// selectLines gives each page as a line, as it is read. A problem on the way is the last
// line, an object with the one member problem.
func (q *request) selectLines(s client.Selection) error {
	begun := false
	encoder := json.NewEncoder(q.w)
	encoder.SetEscapeHTML(false)
	begin := func() {
		if !begun {
			begun = true
			q.w.Header().Set("Content-Type", linesKind)
			q.w.Header().Set("Cache-Control", "no-store")
		}
	}
	for page, err := range q.client().Select(q.ctx, s) {
		if err != nil && !begun {
			return err
		}
		begin()
		if err != nil {
			p := problemOf(err)
			p.Type, p.Title = "about:blank", http.StatusText(p.Status)
			_ = encoder.Encode(struct {
				Problem *Problem `json:"problem"`
			}{p})
			return errServed
		}
		if encoder.Encode(page) != nil {
			return errServed // who asked has gone
		}
	}
	begin()
	return errServed
}

func selectOne(q *request) (any, error) {
	tasks, err := q.tasks()
	if err != nil {
		return nil, err
	}
	page, err := q.client().SelectOne(q.ctx, client.Selection{Module: q.path("module"), PState: q.path("pstate"), Path: q.query("path"), Tasks: tasks})
	if err != nil {
		return nil, err
	}
	return oneAnswer{page.Task, page.Commit, page.Values[0]}, nil
}

// where words the place of a mistake in a path.
func where(e *client.PathError) string { return fmt.Sprintf("path, byte %d", e.At) }

// watch sends events: change, with a SelectionChange, and problem, which is the last.
// Between them a comment says every now and then that the watch is there.
func watch(q *request) (any, error) {
	limit, err := q.number("limit", 0, 1, valuesDefault)
	if err != nil {
		return nil, err
	}
	tasks, err := q.tasks()
	if err != nil {
		return nil, err
	}
	select {
	case q.h.watches <- struct{}{}:
		defer func() { <-q.h.watches }()
	default:
		return nil, &Problem{Code: "too_many_watches", Status: http.StatusServiceUnavailable, Detail: fmt.Sprintf("%d watches are under way, as many as there may be", q.h.config.WatchesMax), Mend: "ask again later"}
	}
	s := client.Selection{Module: q.path("module"), PState: q.path("pstate"), Path: q.query("path"), Tasks: tasks, Limit: limit}
	return nil, q.events(s)
}

// change is one event of a watch.
type change struct {
	client.SelectionChange
	err error
}

func (q *request) events(s client.Selection) error {
	changes, done := make(chan change), make(chan struct{})
	defer func() { <-done }()
	ctx, cancel := context.WithCancel(q.ctx)
	defer cancel()
	go func() {
		defer close(done)
		for c, err := range q.client().WatchSelection(ctx, s, client.WatchOptions{Period: q.h.config.WatchPeriod}) {
			select {
			case changes <- change{c, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	heartbeat := time.NewTicker(q.h.config.Heartbeat)
	defer heartbeat.Stop()
	out := &eventWriter{w: q.w, control: http.NewResponseController(q.w), timeout: q.h.config.Timeout}
	// A server's ReadTimeout and WriteTimeout would end the watch: they count from the request's
	// beginning. What is written has a time of its own.
	_ = out.control.SetReadDeadline(time.Time{}) // not every server can
	_ = out.control.SetWriteDeadline(time.Time{})
	for {
		select {
		case c := <-changes:
			switch {
			case c.err != nil && !out.begun:
				return c.err
			case c.err != nil:
				p := problemOf(c.err)
				p.Type, p.Title = "about:blank", http.StatusText(p.Status)
				out.event("problem", p)
				return errServed
			case !out.event("change", c.SelectionChange):
				return errServed
			}
		case <-heartbeat.C:
			if !out.comment("here") {
				return errServed
			}
		case <-q.ctx.Done():
			return errServed
		}
	}
}
