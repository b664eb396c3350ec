package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// late is a body of which a part comes, and then nothing in time.
type late struct{ told bool }

func (l *late) Read(into []byte) (int, error) {
	if l.told {
		return 0, fmt.Errorf("reading the body: %w", os.ErrDeadlineExceeded)
	}
	l.told = true
	return copy(into, `{"va`), nil
}

// A body that does not come in time is no mistake of what stands in it.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{})
	q := httptest.NewRequest(http.MethodPost, "/v1/modules/shop/depots/orders/records", io.NopCloser(&late{}))
	w := httptest.NewRecorder()
	r.server.Config.Handler.ServeHTTP(w, q)
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusRequestTimeout || p.Code != "slow_request" || p.Mend == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Authorize decides by what a request wants, and its error is told.
func TestAuthorizeKnowsWhatIsWanted(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Authorize: func(_ *http.Request, a Access) error {
		if a.Changes {
			return errors.New("needs the role write")
		}
		return nil
	}})
	if status, _ := r.ask("GET", "/v1/modules", ""); status != http.StatusOK {
		t.Errorf("who reads gets %d", status)
	}
	for _, c := range [][3]string{
		{"POST", "/v1/modules/shop/depots/orders/records", `{"value":{"Item":"x","Amount":1}}`},
		{"PUT", "/v1/modules/shop/options/topology.stream.timeout.seconds", `{"value":"1"}`},
		{"POST", "/v1/modules/shop/parked/skip", `{}`},
		{"POST", "/v1/modules/shop/topologies/sell/pause", ""},
	} {
		if status, text := r.ask(c[0], c[1], c[2]); status != http.StatusForbidden {
			t.Errorf("%s %s by who only reads: %d %s", c[0], c[1], status, text)
		}
	}
}
