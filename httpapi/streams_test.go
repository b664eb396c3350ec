package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Large results come as lines, page by page, without a limit.
func TestLines(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{})
	if _, err := r.m.Orders.Append(t.Context(), r.c.Client(), order{"many", 2500}); err != nil {
		t.Fatal(err)
	}
	q, _ := http.NewRequestWithContext(t.Context(), "GET", r.server.URL+"/v1/modules/shop/pstates/log/select?path=keys", nil)
	q.Header.Set("Accept", linesKind)
	a, err := r.server.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	values, lines := 0, bufio.NewScanner(a.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var page struct {
			Commit string
			Values []int
		}
		if err := json.Unmarshal(lines.Bytes(), &page); err != nil || page.Commit == "" {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		for _, v := range page.Values {
			if v != values {
				t.Fatalf("%d, want %d", v, values)
			}
			values++
		}
	}
	if values != 2500 || a.Header.Get("Content-Type") != linesKind {
		t.Errorf("%d values as %s", values, a.Header.Get("Content-Type"))
	}
}

// A watch is events: what holds at first, and each change.
func TestEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{WatchesMax: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	q, _ := http.NewRequestWithContext(ctx, "GET", r.server.URL+"/v1/modules/shop/pstates/stock/watch?path=entries", nil)
	a, err := r.server.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if kind := a.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("content type %q", kind)
	}
	lines := bufio.NewScanner(a.Body)
	event := func(want string) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				r.fits("/components/schemas/SelectionChange", []byte(data))
				if !strings.Contains(data, want) {
					t.Errorf("event %s, want %s", data, want)
				}
				return
			}
		}
		t.Fatalf("no event: %v", lines.Err())
	}
	event(`"values":[]`)
	if status, got := r.ask("GET", "/v1/modules/shop/pstates/stock/watch", ""); status != 503 || !strings.Contains(got, "too_many_watches") {
		t.Errorf("a second watch: %d %s", status, got)
	}
	if _, err := r.m.Orders.Append(t.Context(), r.c.Client(), order{"tea", 1}); err != nil {
		t.Fatal(err)
	}
	event(`"added":[{"key":"tea","value":1}],"removed":[]`)
	if _, err := r.m.Orders.Append(t.Context(), r.c.Client(), order{"tea", 2}); err != nil {
		t.Fatal(err)
	}
	event(`"added":[{"key":"tea","value":3}],"removed":[{"key":"tea","value":1}]`)
}

// A watch outlives the times that the server gives a request to be read and answered in, by
// HTTP/1 and by HTTP/2.
func TestWatchOutlivesTheServersTimes(t *testing.T) {
	t.Parallel()
	for _, both := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP/2=%t", both), func(t *testing.T) {
			t.Parallel()
			outlives(t, both)
		})
	}
}

func outlives(t *testing.T, http2 bool) {
	t.Helper()
	r := newRig(t, Config{Heartbeat: 50 * time.Millisecond})
	server := httptest.NewUnstartedServer(r.server.Config.Handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond
	if server.EnableHTTP2 = http2; http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	q, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/v1/modules/shop/pstates/stock/watch", nil)
	a, err := server.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	beats, lines := 0, bufio.NewScanner(a.Body)
	for beats < 20 && lines.Scan() {
		if lines.Text() == ": here" {
			beats++
		}
	}
	if beats < 20 {
		t.Errorf("the watch ended after %d signs of life: %v", beats, lines.Err())
	}
}
