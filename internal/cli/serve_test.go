package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/internal/authority"
)

const readersToken, writersToken = "0123456789abcdef-read", "0123456789abcdef-write"

// served is `coppice serve` with TLS and tokens.
type served struct {
	t         *testing.T
	authority *authority.Authority
	address   string
	end       func() (code int, errs string)
}

func serveGuarded(t *testing.T, flags ...string) *served {
	t.Helper()
	folder := t.TempDir()
	s := &served{t: t}
	var err error
	if s.authority, err = authority.New(folder, "ours"); err != nil {
		t.Fatal(err)
	}
	pair, err := s.authority.Sign("server")
	if err != nil {
		t.Fatal(err)
	}
	tokens := filepath.Join(folder, "tokens")
	if err := os.WriteFile(tokens, []byte("read dashboard "+readersToken+"\nwrite ann "+writersToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var errs strings.Builder
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, append([]string{"serve", "--json", "--listen", "127.0.0.1:0", "--cert", pair.Certificate, "--key", pair.Key, "--tokens", tokens}, flags...), in, &errs)
		_ = in.CloseWithError(fmt.Errorf("it ended with %d: %s", code, errs.String()))
		ended <- code
	}()
	s.end = func() (int, string) {
		cancel()
		return <-ended, errs.String()
	}
	t.Cleanup(func() { cancel() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Address string }
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		t.Fatal(err)
	}
	s.address = said.Address
	return s
}

// ask asks on a connection of its own, and returns also the number of the server's certificate.
func (s *served) ask(method, path, token string, body io.Reader) (status int, text, certificate string) {
	s.t.Helper()
	own, err := certs.Files{Authorities: s.authority.Certificate()}.Client()
	if err != nil {
		s.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: own, DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
	r, err := http.NewRequestWithContext(s.t.Context(), method, "https://"+s.address+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Expect", "100-continue") // what is refused is not sent
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(raw), answer.TLS.PeerCertificates[0].SerialNumber.String()
}

// guarded holds what `coppice serve` answers against who asks for what.
func (s *served) guarded() {
	s.t.Helper()
	option := "/v1/modules/orders/options/topology.stream.timeout.seconds"
	for _, c := range []struct {
		method, path, token, body string
		status                    int
		says                      string
	}{
		{"GET", "/v1/modules", readersToken, "", http.StatusOK, "modules"},
		{"GET", "/v1/modules", writersToken, "", http.StatusOK, "modules"},
		{"GET", "/v1/modules", "", "", http.StatusUnauthorized, "Authorization: Bearer TOKEN"},
		{"GET", "/v1/modules", readersToken + "x", "", http.StatusUnauthorized, "use a token that counts"},
		{"PUT", option, readersToken, `{"value":"30"}`, http.StatusForbidden, "needs the role write"},
		{"PUT", option, writersToken, strings.Repeat("x", 8<<20+1), http.StatusRequestEntityTooLarge, "send less at a time"},
	} {
		status, text, _ := s.ask(c.method, c.path, c.token, strings.NewReader(c.body))
		if status != c.status || !strings.Contains(text, c.says) {
			s.t.Errorf("%s %s: %d %s, want %d that says %q", c.method, c.path, status, text, c.status, c.says)
		}
		if strings.Contains(text, readersToken) || strings.Contains(text, writersToken) {
			s.t.Errorf("%s %s tells a token: %s", c.method, c.path, text)
		}
	}
	if answer, err := http.Get("http://" + s.address + "/v1/modules"); err == nil {
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			s.t.Error("it answers without TLS")
		}
	}
	// A certificate that is renewed in its place is shown without a restart.
	_, _, before := s.ask("GET", "/v1/modules", readersToken, nil)
	if _, err := s.authority.Sign("server"); err != nil {
		s.t.Fatal(err)
	}
	for after := before; after == before && s.t.Context().Err() == nil; {
		_, _, after = s.ask("GET", "/v1/modules", readersToken, nil)
	}
	if code, errs := s.end(); code != exitOK || errs != "" {
		s.t.Errorf("told to end, it ends with %d, %q", code, errs)
	}
}

// `coppice serve` speaks TLS, lets in whose token counts, for what the role may, and ends in
// good order.
func TestServeIsGuarded(t *testing.T) {
	t.Parallel()
	_, flags := remoteFlags(t)
	serveGuarded(t, flags...).guarded()
}

// The same on servers with TLS, users and rights; make secure-test starts them.
func TestSecureServe(t *testing.T) {
	t.Parallel()
	if os.Getenv("COPPICE_TEST_SECURE") == "" {
		t.Skip("COPPICE_TEST_SECURE names no secure servers; make secure-test starts them")
	}
	serveGuarded(t).guarded()
}
