package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/localcluster"
)

// Whatever is asked gets an answer in JSON: no panic, no internal error.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/v1/modules/shop/pstates/stock/select?path=key(%22tea%22)", ""},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"tea","Amount":1}}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"stored":"/w==","partition":0,"ackLevel":"none"}`},
		{"POST", "/v1/modules/shop/pstates/log/select", `{"path":"rangeFrom(1,2).vals.field(\"Item\")","tasks":[0]}`},
		{"PUT", "/v1/modules/shop/options/x/../y?topology=%00", `{"value":"1"}`},
		{"POST", "/v1/modules/shop/parked/retry", `{"offset":1e9}`},
		{"GET", "/v1/modules/%2e%2e/tasks?x=1;y=2", "\x00"},
		{"OPTIONS", "*", "[[[[[["},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	c, err := localcluster.Start(f.Context(), localcluster.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	if err := c.Launch(f.Context(), &shop{}, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		f.Fatal(err)
	}
	h, err := New(Config{Client: c.Client(), BodyBytesMax: 1 << 16})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, address, body string) {
		u, err := url.ParseRequestURI(address)
		if err != nil || strings.HasSuffix(u.Path, "/watch") {
			return
		}
		q, err := http.NewRequestWithContext(t.Context(), method, "http://x"+u.RequestURI(), strings.NewReader(body))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		kind := w.Header().Get("Content-Type")
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("%s %s %q: %s", method, address, body, w.Body)
		}
		if strings.Contains(kind, "json") && !json.Valid(w.Body.Bytes()) && kind != linesKind {
			t.Fatalf("%s %s %q: no JSON: %s", method, address, body, w.Body)
		}
	})
}
