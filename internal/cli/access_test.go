package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/httpapi"
)

// An address that others reach is served to nobody but those who are known, unless somebody
// says so; tokens do not travel in the open.
func TestServeAsksWhoMayCome(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("read dashboard 0123456789abcdef-read\nwrite ann 0123456789abcdef-write\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		listen  string
		options accessOptions
		want    string // in the error; "": there is none
	}{
		{"127.0.0.1:8080", accessOptions{}, ""},
		{"localhost:8080", accessOptions{}, ""},
		{"[::1]:8080", accessOptions{}, ""},
		{"127.0.0.1:8080", accessOptions{tokens: tokens}, ""},
		{"0.0.0.0:8080", accessOptions{open: true}, ""},
		{"0.0.0.0:8080", accessOptions{}, "--tokens or --client-ca"},
		{":8080", accessOptions{}, "--tokens or --client-ca"},
		{"10.0.0.1:8080", accessOptions{}, "--tokens or --client-ca"},
		{"0.0.0.0:8080", accessOptions{tokens: tokens}, "--cert and --key"},
		{"0.0.0.0:8080", accessOptions{tokens: tokens, open: true}, "choose"},
		{"127.0.0.1:8080", accessOptions{tokens: tokens + ".gone"}, "no such file"},
		{"127.0.0.1:8080", accessOptions{tokens: tokens, roles: map[string]string{"ann": "all"}}, "--client-roles ann=all"},
		{"0.0.0.0:8080", accessOptions{certificate: certs.Files{Authorities: tokens}}, "needs a certificate"},
	} {
		_, _, err := c.options.guard(c.listen)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("--listen %s with %+v: %v, want %q", c.listen, c.options, err, c.want)
		}
	}
}

// Where nobody is asked who they are, only this machine's own names lead in; --open says that
// something before the server has asked.
func TestServeHereIsForThisMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options accessOptions
		host    string
		status  int
	}{
		{accessOptions{}, "localhost:8080", http.StatusNoContent},
		{accessOptions{}, "rebound.example:8080", http.StatusMisdirectedRequest},
		{accessOptions{open: true}, "coppice.example", http.StatusNoContent},
	} {
		guard, _, err := c.options.guard("127.0.0.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("open %t, asked as %s: %d, want %d", c.options.open, c.host, w.Code, c.status)
		}
	}
}

// The API of `coppice serve` lets a token do what its role may.
func TestServeByRole(t *testing.T) {
	t.Parallel()
	_, c, _ := remoteCluster(t)
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("read dashboard 0123456789abcdef-read\nwrite ann 0123456789abcdef-write\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	api, err := httpapi.New(httpapi.Config{Client: c.Client(), Authorize: authorize})
	if err != nil {
		t.Fatal(err)
	}
	guard, _, err := (&accessOptions{tokens: tokens}).guard("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct {
		method, path, token string
		status              int
	}{
		{"GET", "/v1/modules", "0123456789abcdef-read", http.StatusOK},
		{"GET", "/v1/modules", "0123456789abcdef-write", http.StatusOK},
		{"GET", "/v1/modules", "", http.StatusUnauthorized},
		{"GET", "/v1/modules", "guessed", http.StatusUnauthorized},
		{"PUT", "/v1/modules/orders/options/topology.stream.timeout.seconds", "0123456789abcdef-read", http.StatusForbidden},
	} {
		r := httptest.NewRequest(ask.method, ask.path, strings.NewReader(`{"value":"30"}`))
		if ask.token != "" {
			r.Header.Set("Authorization", "Bearer "+ask.token)
		}
		w := httptest.NewRecorder()
		guard.Handler(api).ServeHTTP(w, r)
		if w.Code != ask.status {
			t.Errorf("%s %s with token %q: %d %s, want %d", ask.method, ask.path, ask.token, w.Code, w.Body, ask.status)
		}
	}
}
