package certs

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/authority"
)

// pair makes a certificate of an authority.
func pair(t *testing.T, a *authority.Authority, name string) Files {
	t.Helper()
	p, err := a.Sign(name)
	if err != nil {
		t.Fatal(err)
	}
	return Files{Authorities: a.Certificate(), Certificate: p.Certificate, Key: p.Key}
}

func founded(t *testing.T, name string) *authority.Authority {
	t.Helper()
	a, err := authority.New(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// meet has two ends shake hands, and returns what each says, and the client's state.
func meet(t *testing.T, server, client *tls.Config) (seen tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	left, right := net.Pipe()
	defer left.Close()
	defer right.Close()
	client = client.Clone()
	client.ServerName = "localhost"
	done := make(chan error, 1)
	go func() {
		c := tls.Server(left, server)
		err := c.Handshake()
		if err == nil {
			_, err = c.Write([]byte("x"))
		}
		done <- err
		if err != nil {
			_ = left.Close() // a peer that fails hangs up
		}
	}()
	c := tls.Client(right, client)
	clientErr = c.Handshake()
	if clientErr == nil {
		// In TLS 1.3 the client is done before the server has looked at its certificate.
		_, clientErr = c.Read(make([]byte, 1))
	}
	_ = right.Close()
	return c.ConnectionState(), <-done, clientErr
}

func both(t *testing.T, f Files) *tls.Config {
	t.Helper()
	config, err := f.Both()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestBothEndsShowACertificateOfTheirAuthority(t *testing.T) {
	t.Parallel()
	ours, theirs := founded(t, "ours"), founded(t, "theirs")
	server := both(t, pair(t, ours, "worker-a"))
	if _, serverErr, clientErr := meet(t, server, both(t, pair(t, ours, "worker-b"))); serverErr != nil || clientErr != nil {
		t.Fatalf("two workers of one authority: %v, %v", serverErr, clientErr)
	}
	if _, _, clientErr := meet(t, server, both(t, pair(t, theirs, "worker-b"))); clientErr == nil {
		t.Error("a worker of another authority trusts ours")
	}
	// Who trusts our authority, and shows nothing, or somebody else's certificate.
	none, err := Files{Authorities: ours.Certificate()}.Client()
	if err != nil {
		t.Fatal(err)
	}
	if _, serverErr, _ := meet(t, server, none); serverErr == nil {
		t.Error("a client without a certificate is let in")
	}
	foreign := pair(t, theirs, "worker-b")
	foreign.Authorities = ours.Certificate()
	if _, serverErr, _ := meet(t, server, both(t, foreign)); serverErr == nil {
		t.Error("a certificate of another authority is let in")
	}
}

func TestOnlyTheNamesAreLetIn(t *testing.T) {
	t.Parallel()
	a := founded(t, "ours")
	files := pair(t, a, "worker-a")
	files.Names = []string{"worker-a", "worker-b"}
	server := both(t, files)
	if _, serverErr, clientErr := meet(t, server, both(t, pair(t, a, "worker-b"))); serverErr != nil || clientErr != nil {
		t.Fatalf("a worker who is named: %v, %v", serverErr, clientErr)
	}
	_, serverErr, _ := meet(t, server, both(t, pair(t, a, "console")))
	var name *NameError
	if !errors.As(serverErr, &name) || !strings.Contains(name.Error(), "console") {
		t.Errorf("somebody who is not named: %v, want a NameError", serverErr)
	}
}

func TestARenewedCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	a := founded(t, "ours")
	p, err := a.Sign("worker")
	if err != nil {
		t.Fatal(err)
	}
	k, err := keep(p.Certificate, p.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := k.current()
	if _, err := a.Sign("worker"); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour) // whatever the file system's clock can tell apart
	for _, file := range []string{p.Certificate, p.Key} {
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if k.current() != first {
		t.Error("the files are looked at each time")
	}
	k.looked = time.Time{}
	second := k.current()
	if second == first || string(second.Certificate[0]) == string(first.Certificate[0]) {
		t.Error("the renewed certificate is not in use")
	}
	// A half that does not fit: the former pair stays.
	if err := os.WriteFile(p.Key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.looked = time.Time{}
	if k.current() != second {
		t.Error("a pair that cannot be read replaces one that can")
	}
}

func TestMistakesNameTheFile(t *testing.T) {
	t.Parallel()
	files := pair(t, founded(t, "ours"), "worker")
	wrong := files
	wrong.Authorities = files.Key
	missing := files
	missing.Key = files.Key + ".gone"
	half := files
	half.Key = ""
	for want, f := range map[string]Files{files.Key: wrong, missing.Key: missing, "name both or none": half} {
		if _, err := f.Both(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if _, err := (Files{}).Server(); err == nil {
		t.Error("a server without a certificate is made")
	}
	if _, err := (Files{Certificate: files.Certificate, Key: files.Key}).Both(); err == nil {
		t.Error("ends that trust each other are made without authorities")
	}
}
