package console

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/overview"
)

// request is a request for a page, or for a change.
type request struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	route  *route
	module string // "" where it is about none
	seen   *overview.Module
}

// look is how the module is, of one moment for all of the page.
func (q *request) look() (*overview.Module, error) {
	if q.seen != nil {
		return q.seen, nil
	}
	m, err := q.h.look.Module(q.ctx, q.module)
	q.seen = m
	return m, err
}

// errNowhere: there is no such page.
var errNowhere = &httpapi.Problem{Code: "unknown_route", Status: http.StatusNotFound, Detail: "There is no such page.", Mend: "begin at the list of modules"}

// policy has browsers load nothing from elsewhere, run no script and use no style but ours, and
// show the console in no other page's frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, route *route) {
	ctx, cancel := context.WithTimeout(r.Context(), h.config.Timeout)
	defer cancel()
	q := &request{h: h, w: w, r: r, ctx: ctx, route: route, module: r.PathValue("module")}
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if err := q.allowed(); err != nil {
		q.fail(err)
		return
	}
	if route.changes {
		r.Body = http.MaxBytesReader(w, r.Body, bodyBytesMax)
		if err := r.ParseForm(); err != nil {
			q.fail(&httpapi.Problem{Status: http.StatusBadRequest, Detail: "the form cannot be read: " + err.Error(), Mend: "send less at a time"})
			return
		}
	}
	if err := route.serve(q); err != nil {
		q.fail(err)
	}
}

// bodyBytesMax bounds a form: a record of 4 MiB, each byte of it escaped.
const bodyBytesMax = 13 << 20

func (q *request) allowed() error {
	if err := q.h.origin.Check(q.r); err != nil {
		return &httpapi.Problem{Status: http.StatusForbidden, Detail: err.Error(), Mend: "use the console's own pages"}
	}
	return q.may(q.route.operation)
}

// may asks whether a request may do what an operation does: its route's own, and any other that
// is done, or shown, along with it.
func (q *request) may(operation string) error {
	authorize := q.h.config.Authorize
	if authorize == nil {
		return nil
	}
	if err := authorize(q.r, httpapi.Access{Operation: operation, Module: q.module, Changes: q.route.changes}); err != nil {
		return &httpapi.Problem{Status: http.StatusForbidden, Detail: err.Error(), Mend: "ask who runs the console"}
	}
	return nil
}

// value is a field of the form or a parameter of the address.
func (q *request) value(name string) string { return q.r.FormValue(name) }

// number reads a whole number; def where there is none.
func (q *request) number(name string, def int64) (int64, error) {
	text := strings.TrimSpace(q.r.FormValue(name))
	if text == "" {
		text = q.r.PathValue(name)
	}
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &httpapi.Problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("%s: %q is no whole number", name, text), Mend: "go back and give one"}
	}
	return n, nil
}

// at is the address of a page.
func at(parts ...string) string {
	var out strings.Builder
	for _, p := range parts {
		out.WriteByte('/')
		out.WriteString(url.PathEscape(p))
	}
	if out.Len() == 0 {
		return "/"
	}
	return out.String()
}

// change does something to the module, notes it in the audit log, and sends who asked on to a
// page that says what came of it.
func (q *request) change(e client.AuditEntry, next, done string, do func(context.Context) error) error {
	return q.changes(next, done, step{entry: e, do: do})
}

// step is a change among those that one request asks for.
type step struct {
	entry client.AuditEntry // Did "": what the route does
	do    func(context.Context) error
	kept  string // told where a step after this one fails: it is done all the same
}

// changes does one thing after another until one fails, and notes each that was tried.
func (q *request) changes(next, done string, steps ...step) error {
	s, kept := said{Text: done}, ""
	for _, one := range steps {
		err := one.do(q.ctx)
		var unheard *client.UnheardError
		if errors.As(err, &unheard) { // it is done
			s.Text, err = s.Text+" Mind: "+unheard.Warning()+".", nil
		}
		if err != nil {
			p := httpapi.ProblemOf(err)
			s = said{Bad: true, Text: kept + p.Detail, Mend: p.Mend}
		}
		kept += one.kept
		if noted := q.note(one.entry, err); noted != nil {
			s.Bad = true
			s.Text += " It does not stand in the audit log: " + noted.Error()
		}
		if err != nil {
			break
		}
	}
	q.h.look.Forget(q.module)
	q.say(s)
	http.Redirect(q.w, q.r, next, http.StatusSeeOther)
	return nil
}

// noteTimeout is what a note has, whatever the change has left of the request's time.
const noteTimeout = 5 * time.Second

// note notes what was done, or failed, in the module's audit log.
func (q *request) note(e client.AuditEntry, failure error) error {
	e.Who, e.Through, e.Did = q.h.config.Who(q.r), "console", cmp.Or(e.Did, q.route.operation)
	if failure != nil {
		e.Error = failure.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.ctx), noteTimeout)
	defer cancel()
	return q.h.cluster.NoteAudit(ctx, q.module, e)
}

// said is what came of a change: shown once, on the next page.
type said struct {
	Bad  bool   `json:"bad,omitempty"`
	Text string `json:"text"`
	Mend string `json:"mend,omitempty"`
}

// Cookies of the console.
const (
	saidCookie  = "coppice-said"
	themeCookie = "coppice-theme"
)

const saidBytesMax = 1200 // of a text: a cookie holds 4 KiB

func (q *request) say(s said) {
	if len(s.Text) > saidBytesMax {
		s.Text = strings.ToValidUTF8(s.Text[:saidBytesMax], "") + "…"
	}
	raw, err := json.Marshal(&s)
	if err != nil {
		return // it has no such values
	}
	http.SetCookie(q.w, &http.Cookie{Name: saidCookie, Value: base64.RawURLEncoding.EncodeToString(raw), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 60})
}

// heard is what was said, if the page is not only kept current.
func (q *request) heard() *said {
	cookie, err := q.r.Cookie(saidCookie)
	if err != nil || q.r.Header.Get("Coppice-Live") != "" {
		return nil
	}
	http.SetCookie(q.w, &http.Cookie{Name: saidCookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return nil
	}
	var s said
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return &s
}

// theme is what was chosen: light, dark, or "" for what the machine says.
func (q *request) theme() string {
	if cookie, err := q.r.Cookie(themeCookie); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		return cookie.Value
	}
	return ""
}

func (h *Handler) setTheme(w http.ResponseWriter, r *http.Request) {
	if err := h.origin.Check(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: themeCookie, Value: r.FormValue("theme"), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 365 * 24 * 3600})
	back := "/"
	if u, err := url.Parse(r.Referer()); err == nil && u.Host == r.Host && strings.HasPrefix(u.Path, "/") {
		back = (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// fail shows what went wrong, and what to do.
func (q *request) fail(err error) {
	if errors.Is(err, errServed) {
		return
	}
	p := httpapi.ProblemOf(err)
	q.status(p.Status, "error", "", "", frame{Title: http.StatusText(p.Status)}, p)
}

// errServed: the request is answered already.
var errServed = errors.New("served")
