package console

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/task"
)

// A change is made, told of on the next page once, and noted with who made it.
func TestChanges(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	h := newTestHandler(t, f)
	ref := url.Values{"topology": {"sell"}, "source": {"orders"}, "partition": {"1"}, "offset": {"7"}}
	with := func(more url.Values) url.Values {
		out := url.Values{}
		for _, v := range []url.Values{ref, more} {
			for name, values := range v {
				out[name] = values
			}
		}
		return out
	}
	for _, test := range []struct {
		address string
		form    url.Values
		next    string
		want    string
		bad     bool
	}{
		{"/m/shop/options", url.Values{"name": {"topology.stream.timeout.seconds"}, "value": {"7"}}, "/m/shop/options#topology.stream.timeout.seconds", "topology.stream.timeout.seconds is 7 now.", false},
		{"/m/shop/options", url.Values{"name": {"topology.stream.timeout.seconds"}, "value": {"wrong"}}, "/m/shop/options#topology.stream.timeout.seconds", "want a number of seconds", true},
		{"/m/shop/options/unset", url.Values{"name": {"topology.stream.timeout.seconds"}, "value": {"7"}}, "/m/shop/options#topology.stream.timeout.seconds", "taken back", false},
		{"/m/shop/topologies/sell/pause", nil, "/m/shop/topologies/sell", "paused", false},
		{"/m/shop/topologies/sell/resume", nil, "/m/shop/topologies/sell", "It goes on.", false},
		{"/m/shop/depots/orders", url.Values{"data": {`"tea"`}}, "/m/shop/depots/orders", "appended", false},
		{"/m/shop/depots/orders", url.Values{"data": {`"bad"`}, "into": {"2"}}, "/m/shop/depots/orders?partition=2", "no price", true},
		{"/m/shop/parked/edit", with(url.Values{"value": {"no JSON"}, "then": {"retry"}}), "/m/shop/parked", "It has the new value, and was tried with it: it fails again", true},
		{"/m/shop/parked/edit", with(url.Values{"value": {"{\r\n}"}, "before": {"forged"}}), "/m/shop/parked/one?offset=7&partition=1&source=orders&topology=sell", "new value", false},
		{"/m/shop/parked/retry", ref, "/m/shop/parked", "it ran", false},
		{"/m/shop/parked/skip", ref, "/m/shop/parked", "not parked", true},
	} {
		w := visit(t, h, http.MethodPost, test.address, test.form)
		if next := w.Header().Get("Location"); w.Code != http.StatusSeeOther || next != test.next {
			t.Errorf("%s %v: %d, to %q, want %q", test.address, test.form, w.Code, next, test.next)
			continue
		}
		cookies := w.Result().Cookies()
		page := visit(t, h, http.MethodGet, strings.Split(test.next, "#")[0], nil, cookies...)
		if page.Code == http.StatusOK && (!strings.Contains(page.Body.String(), test.want) || strings.Contains(page.Body.String(), `role="alert"`) != test.bad) {
			t.Errorf("%s %v: the next page does not say %q", test.address, test.form, test.want)
		}
	}
	log := visit(t, h, http.MethodGet, "/m/shop/audit", nil).Body.String()
	for _, want := range []string{"192.0.2.1", "console", "set an option", "took a setting back", "topology.stream.timeout.seconds", "want a number of seconds", "retried a parked record"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in the audit log", want)
		}
	}
	// Save and retry is two changes: the value is replaced, though the retry failed. What was
	// there before is read, whatever a form says.
	const first = `{"item":"<tea>"}`
	for i, want := range []client.AuditEntry{
		{Did: "setOption", Before: "30", After: "7"}, {Did: "setOption", Before: "7", After: "wrong", Error: "want a number of seconds"}, {Did: "unsetOption", Before: "7"},
		{Did: "pauseTopology"}, {Did: "resumeTopology"}, {Did: "appendRecord"}, {Did: "appendRecord", Error: "no price"},
		{Did: "editParked", Before: first, After: "no JSON"}, {Did: "retryParked", Error: "it fails again"},
		{Did: "editParked", Before: "no JSON", After: "{\n}"}, {Did: "retryParked"}, {Did: "skipParked", Error: "not parked"},
	} {
		if i >= len(f.audit) {
			t.Fatalf("%d changes are noted", len(f.audit))
		}
		have := f.audit[i]
		if have.Did == "appendRecord" {
			have.Before, have.After = "", ""
		}
		if have.Did != want.Did || have.Before != want.Before || have.After != want.After || (have.Error == "") != (want.Error == "") || !strings.Contains(have.Error, want.Error) {
			t.Errorf("change %d was noted as %+v, want %+v", i, have, want)
		}
	}
	if len(f.audit) != 12 {
		t.Errorf("%d changes are noted, want 12", len(f.audit))
	}
}

// A topology is paused though a task has not heard of it yet: that is said, and no failure.
func TestPausedThoughSomeHaveNotHeard(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.unheard = &client.UnheardError{Module: "shop", Topology: "sell", Option: "topology.stream.paused", Value: "true", Tasks: []task.ID{2}, Cause: context.DeadlineExceeded}
	h := newTestHandler(t, f)
	w := visit(t, h, http.MethodPost, "/m/shop/topologies/sell/pause", nil)
	page := visit(t, h, http.MethodGet, "/m/shop/topologies/sell", nil, w.Result().Cookies()...).Body.String()
	if !strings.Contains(page, "It is paused: it begins no record until it is resumed. Mind: task 2 has not said that it goes by it") || strings.Contains(page, `role="alert"`) {
		t.Error("the page does not say that it is paused, and who has not heard of it")
	}
	if len(f.audit) != 1 || f.audit[0].Error != "" {
		t.Errorf("noted was %+v", f.audit)
	}
}

// What a request does along with its own operation has to be allowed as well: the retry of what
// is edited, and the record beside its event tree.
func TestEachOperationIsAllowed(t *testing.T) {
	t.Parallel()
	ref := url.Values{"topology": {"sell"}, "source": {"orders"}, "partition": {"1"}, "offset": {"7"}, "value": {"{}"}, "then": {"retry"}}
	for _, test := range []struct {
		denied, method, address string
		form                    url.Values
		code                    int
		not                     string // what the answer does not hold
	}{
		{"retryParked", http.MethodPost, "/m/shop/parked/edit", ref, http.StatusForbidden, ""},
		{"editParked", http.MethodPost, "/m/shop/parked/edit", ref, http.StatusForbidden, ""},
		{"unsetOption", http.MethodPost, "/m/shop/options/unset", url.Values{"name": {"topology.stream.timeout.seconds"}}, http.StatusForbidden, ""},
		{"readDepot", http.MethodGet, "/m/shop/trees/orders/2/5", nil, http.StatusOK, "alert(1)"},
	} {
		f := newFake(3)
		h := newTestHandler(t, f)
		if body := visit(t, h, test.method, test.address, test.form).Body.String(); test.not != "" && !strings.Contains(body, test.not) {
			t.Errorf("%s: who may do everything does not see %q", test.address, test.not)
		}
		f = newFake(3)
		h = newTestHandler(t, f)
		h.config.Authorize = func(_ *http.Request, a httpapi.Access) error {
			if a.Operation == test.denied {
				return errors.New("not for you")
			}
			return nil
		}
		w := visit(t, h, test.method, test.address, test.form)
		if body := w.Body.String(); w.Code != test.code || !strings.Contains(body, "not for you") || test.not != "" && strings.Contains(body, test.not) {
			t.Errorf("%s without %s: %d\n%s", test.address, test.denied, w.Code, body)
		}
		if len(f.audit) > 0 || f.parked[0].Edited {
			t.Errorf("%s without %s: something was changed, and %+v noted", test.address, test.denied, f.audit)
		}
	}
}

// How many findings and parked records there are stands beside each page for who may know.
func TestCountsAreForWhoMaySeeTheModule(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	h := newTestHandler(t, f)
	if body := visit(t, h, http.MethodGet, "/m/shop/audit", nil).Body.String(); !strings.Contains(body, `<span class="count`) || !strings.Contains(body, `href="/m/shop/parked"`) {
		t.Error("who may do everything sees no counts")
	}
	h.config.Authorize = func(_ *http.Request, a httpapi.Access) error {
		if a.Operation == "tellOverview" {
			return errors.New("not for you")
		}
		return nil
	}
	if body := visit(t, h, http.MethodGet, "/m/shop/audit", nil).Body.String(); strings.Contains(body, `<span class="count`) || !strings.Contains(body, `href="/m/shop/parked"`) {
		t.Error("who may not see the module sees counts, or no pages")
	}
}

// Taking a setting back is an operation of its own: who may do that alone, may. A form that sets
// an option to nothing does not take it back by the way.
func TestWhoMayOnlyTakeASettingBack(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	h := newTestHandler(t, f)
	h.config.Authorize = func(_ *http.Request, a httpapi.Access) error {
		if a.Operation != "unsetOption" {
			return errors.New("not for you")
		}
		return nil
	}
	form := url.Values{"name": {"topology.stream.timeout.seconds"}, "value": {""}}
	if w := visit(t, h, http.MethodPost, "/m/shop/options", form); w.Code != http.StatusForbidden {
		t.Errorf("setting an option: %d", w.Code)
	}
	if w := visit(t, h, http.MethodPost, "/m/shop/options/unset", form); w.Code != http.StatusSeeOther || len(f.audit) != 1 || f.audit[0].Did != "unsetOption" {
		t.Errorf("taking its setting back: %d, noted: %+v", w.Code, f.audit)
	}
	h.config.Authorize = nil
	if w := visit(t, h, http.MethodPost, "/m/shop/options", form); w.Code != http.StatusBadRequest || len(f.audit) != 1 {
		t.Errorf("setting it to nothing: %d, noted: %+v", w.Code, f.audit)
	}
}

// What cannot be read can be edited: the audit log has no former value then.
func TestAParkedRecordThatCannotBeReadIsEdited(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.unreadable = errors.New("it does not parse")
	h := newTestHandler(t, f)
	ref := url.Values{"topology": {"sell"}, "source": {"orders"}, "partition": {"1"}, "offset": {"7"}, "value": {"{}"}}
	if w := visit(t, h, http.MethodPost, "/m/shop/parked/edit", ref); w.Code != http.StatusSeeOther || string(f.parked[0].Value) != "{}" || len(f.audit) != 1 || f.audit[0].Before != "" {
		t.Errorf("%d, the value is %s, noted: %+v", w.Code, f.parked[0].Value, f.audit)
	}
}

// Who may not is told so, and nothing is changed; neither from another site's page.
func TestRefused(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	h := newTestHandler(t, f)
	h.config.Authorize = func(_ *http.Request, a httpapi.Access) error {
		if a.Changes {
			return errors.New("you may only look")
		}
		return nil
	}
	if w := visit(t, h, http.MethodPost, "/m/shop/topologies/sell/pause", nil); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "you may only look") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.config.Authorize = nil
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/m/shop/topologies/sell/pause", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || f.paused || len(f.audit) > 0 {
		t.Errorf("%d, paused %v, %d noted", w.Code, f.paused, len(f.audit))
	}
}
