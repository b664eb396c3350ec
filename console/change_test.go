package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/httpapi"
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
		{"/m/shop/options", url.Values{"name": {"topology.stream.timeout.seconds"}, "value": {"7"}, "unset": {"yes"}}, "/m/shop/options#topology.stream.timeout.seconds", "taken back", false},
		{"/m/shop/topologies/sell/pause", nil, "/m/shop/topologies/sell", "paused", false},
		{"/m/shop/topologies/sell/resume", nil, "/m/shop/topologies/sell", "It goes on.", false},
		{"/m/shop/depots/orders", url.Values{"data": {`"tea"`}}, "/m/shop/depots/orders", "appended", false},
		{"/m/shop/depots/orders", url.Values{"data": {`"bad"`}, "into": {"2"}}, "/m/shop/depots/orders?partition=2", "no price", true},
		{"/m/shop/parked/edit", with(url.Values{"value": {"no JSON"}, "then": {"retry"}}), "/m/shop/parked", "it fails again", true},
		{"/m/shop/parked/edit", with(url.Values{"value": {"{\r\n}"}, "before": {"old"}}), "/m/shop/parked/one?offset=7&partition=1&source=orders&topology=sell", "new value", false},
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
	if string(f.audit[8].After) != "{\n}" || f.audit[8].Before != "old" {
		t.Errorf("the edit was noted as %+v", f.audit[8])
	}
	log := visit(t, h, http.MethodGet, "/m/shop/audit", nil).Body.String()
	for _, want := range []string{"192.0.2.1", "console", "set an option", "topology.stream.timeout.seconds", "want a number of seconds", "retried a parked record"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in the audit log", want)
		}
	}
	if len(f.audit) != 11 {
		t.Errorf("%d changes are noted, want 11", len(f.audit))
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
