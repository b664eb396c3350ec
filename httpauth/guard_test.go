package httpauth

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/internal/authority"
	"github.com/coppice-run/coppice/secret"
)

const (
	readToken  = "0123456789abcdef-read"
	writeToken = "0123456789abcdef-write"
)

var tokens = []Token{{"dashboard", Reader, secret.New(readToken)}, {"ann", Writer, secret.New(writeToken)}}

// echo says who asks, and refuses who may not change things by POST.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if err := Allow(r.Context(), r.Method == http.MethodPost); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	fmt.Fprint(w, From(r.Context()).Name)
})

func guard(t *testing.T, config Config) *Guard {
	t.Helper()
	if config.Tokens == nil {
		config.Tokens = tokens
	}
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func ask(g *Guard, method, authorization string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", body)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	g.Handler(echo).ServeHTTP(w, r)
	return w
}

func TestTokensAndRoles(t *testing.T) {
	t.Parallel()
	g := guard(t, Config{})
	for _, c := range []struct {
		method, authorization string
		status                int
		says                  string
	}{
		{"GET", "Bearer " + readToken, 200, "dashboard"},
		{"GET", "bearer  " + writeToken, 200, "ann"},
		{"POST", "Bearer " + writeToken, 200, "ann"},
		{"POST", "Bearer " + readToken, 403, "needs the role write"},
		{"GET", "", 401, "Authorization: Bearer TOKEN"},
		{"GET", "Bearer " + readToken + "x", 401, "use a token that counts"},
		{"GET", "Bearer", 401, "use a token that counts"},
		{"GET", "Basic " + readToken, 401, "use a token that counts"},
	} {
		w := ask(g, c.method, c.authorization, nil)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s with %q: %d %s, want %d with %q", c.method, c.authorization, w.Code, w.Body, c.status, c.says)
		}
		if c.status == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s with %q: no WWW-Authenticate", c.method, c.authorization)
		}
		if strings.Contains(w.Body.String(), readToken) {
			t.Errorf("an answer has a token: %s", w.Body)
		}
	}
}

// A page of somebody else whose name leads to this machine is not let in by it.
func TestOnlyThisMachineIsAsked(t *testing.T) {
	t.Parallel()
	g := guard(t, Config{Anonymous: Writer, LocalOnly: true, PerSecond: -1})
	for host, status := range map[string]int{
		"localhost:8080": 200, "LocalHost": 200, "127.0.0.1:8080": 200, "127.0.0.1": 200, "[::1]:8080": 200, "[::1]": 200, "127.1.2.3:1": 200,
		"rebound.example": 421, "rebound.example:8080": 421, "localhost.example": 421, "10.0.0.1": 421, "": 421, "127.0.0.1.example:80": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		g.Handler(echo).ServeHTTP(w, r)
		if w.Code != status || status == 421 && !strings.Contains(w.Body.String(), "wrong_host") {
			t.Errorf("asked as %q: %d %s, want %d", host, w.Code, w.Body, status)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	g := guard(t, Config{BodyBytesMax: 10})
	if w := ask(g, "POST", "Bearer "+writeToken, strings.NewReader("0123456789")); w.Code != 200 {
		t.Errorf("a body at the limit: %d %s", w.Code, w.Body)
	}
	w := ask(g, "POST", "Bearer "+writeToken, strings.NewReader("0123456789x"))
	var p struct{ Code, Mend string }
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 413 || p.Code != "body_too_large" || p.Mend == "" {
		t.Errorf("a body beyond the limit: %d %s", w.Code, w.Body)
	}
	// One that does not say how long it is.
	if w := ask(g, "POST", "Bearer "+writeToken, io.MultiReader(bytes.NewReader(make([]byte, 11)))); w.Code != 413 {
		t.Errorf("a body of unknown length beyond the limit: %d %s", w.Code, w.Body)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	g := guard(t, Config{PerSecond: 2, Burst: 3, Now: func() time.Time { return now }})
	for range 3 {
		if w := ask(g, "GET", "Bearer "+readToken, nil); w.Code != 200 {
			t.Fatalf("within the burst: %d", w.Code)
		}
	}
	if w := ask(g, "GET", "Bearer "+readToken, nil); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("beyond the burst: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if w := ask(g, "GET", "Bearer "+writeToken, nil); w.Code != 200 {
		t.Errorf("another client: %d", w.Code)
	}
	now = now.Add(500 * time.Millisecond)
	if w := ask(g, "GET", "Bearer "+readToken, nil); w.Code != 200 {
		t.Errorf("after half a second: %d", w.Code)
	}
	// Who guesses is bounded by the address.
	for range 3 {
		ask(g, "GET", "Bearer wrong", nil)
	}
	if w := ask(g, "GET", "Bearer wrong", nil); w.Code != 429 {
		t.Errorf("who guesses tokens: %d, want 429", w.Code)
	}
}

func TestManyClientsFillNoMemory(t *testing.T) {
	t.Parallel()
	p := pace{perSecond: 1, burst: 2}
	now := time.Unix(1_000_000, 0)
	for i := range 3 * clientsMax {
		p.take(fmt.Sprint(i), now)
	}
	if len(p.buckets) > clientsMax {
		t.Errorf("%d clients are remembered, at most %d may be", len(p.buckets), clientsMax)
	}
}

// served runs a server of echo until the test ends, and returns its address.
func served(t *testing.T, g *Guard, config *tls.Config) string {
	t.Helper()
	return servedBy(t, g.Server(echo, config))
}

func servedBy(t *testing.T, server *http.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			ended <- server.ServeTLS(listener, "", "")
		} else {
			ended <- server.Serve(listener)
		}
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return listener.Addr().String()
}

func TestCertificatesHaveRoles(t *testing.T) {
	t.Parallel()
	a, err := authority.New(t.TempDir(), "ours")
	if err != nil {
		t.Fatal(err)
	}
	files := func(name string) certs.Files {
		p, err := a.Sign(name)
		if err != nil {
			t.Fatal(err)
		}
		return certs.Files{Authorities: a.Certificate(), Certificate: p.Certificate, Key: p.Key}
	}
	config, err := files("server").Server()
	if err != nil {
		t.Fatal(err)
	}
	g := guard(t, Config{Certificates: map[string]Role{"operator": Writer, "dashboard": Reader}})
	address := served(t, g, config)
	for _, c := range []struct {
		name, method string
		status       int
	}{{"operator", "POST", 200}, {"dashboard", "GET", 200}, {"dashboard", "POST", 403}, {"somebody", "GET", 403}} {
		own, err := files(c.name).Client()
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: own, DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), c.method, "https://"+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%s by %s: %d, want %d", c.method, c.name, answer.StatusCode, c.status)
		}
	}
}

// A client that does not get on with its request loses its connection.
func TestSlowRequestsAreEnded(t *testing.T) {
	t.Parallel()
	g := guard(t, Config{HeaderTimeout: 50 * time.Millisecond, BodyTimeout: 50 * time.Millisecond})
	address := served(t, g, nil)
	for _, sent := range []string{"GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + writeToken + "\r\nContent-Length: 5\r\n\r\nab"} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(c); err != nil || strings.Contains(string(answer), "200 OK") {
			t.Errorf("a request that stops in the middle: %q, %v", answer, err)
		}
		_ = c.Close()
	}
}

// A client that asks, and takes nothing of the answer, holds up no handler.
func TestSlowReadersAreEnded(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for piece := make([]byte, 64<<10); ; {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	})
	g := guard(t, Config{AnswerTimeout: 50 * time.Millisecond})
	c, err := net.Dial("tcp", servedBy(t, g.Server(endless, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+readToken+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the handler's write ended with %v, want that its time is over", err)
	}
}

func TestMistakesTellNoToken(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Tokens: []Token{{"a", Reader, secret.New("short")}, {"", Reader, secret.New(readToken)}, {"b", Writer, secret.New(readToken)}}})
	if err == nil {
		t.Fatal("no mistake is found")
	}
	for _, want := range []string{"can be guessed", "needs a name", "the same token"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "short") || strings.Contains(err.Error(), readToken) {
		t.Errorf("a mistake tells a token: %v", err)
	}
}

func TestTokensOfAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# who may come\n\nread dashboard " + readToken + "\nwrite\tann " + writeToken + "\n")
	got, err := ReadTokens(file)
	if err != nil || len(got) != 2 || got[1].Name != "ann" || got[1].Role != Writer || !got[1].Token.Equal(writeToken) {
		t.Errorf("read %v, %v", got, err)
	}
	for _, text := range []string{"", "read ann", "all ann " + readToken, readToken} {
		write(text)
		if _, err := ReadTokens(file); err == nil || strings.Contains(err.Error(), readToken) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzRequests: whatever stands in a request, nobody comes in without a token.
func FuzzRequests(f *testing.F) {
	f.Add("Bearer x", "GET", "/", "")
	f.Add("Bearer "+readToken+" ", "POST", "/v1/modules?x=1", "body")
	g, err := New(Config{Tokens: tokens, PerSecond: -1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, authorization, method, path, body string) {
		r, err := http.NewRequest(method, "http://x/", strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL.Path = path
		r.Header["Authorization"] = []string{authorization}
		in := false
		w := httptest.NewRecorder()
		g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { in = true })).ServeHTTP(w, r)
		counts := strings.HasSuffix(strings.TrimSpace(authorization), readToken) || strings.HasSuffix(strings.TrimSpace(authorization), writeToken)
		if in && !counts {
			t.Errorf("%q comes in", authorization)
		}
		if !in && w.Code != http.StatusUnauthorized {
			t.Errorf("%q is answered with %d", authorization, w.Code)
		}
	})
}
