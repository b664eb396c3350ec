package httpauth

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-run/coppice/certs"
)

// Config says who is let in, and within which limits.
type Config struct {
	// Tokens are the bearer tokens that count. One has 16 bytes or more.
	Tokens []Token
	// Certificates are the roles by a name of the certificate that a client has shown:
	// its common name or a DNS name. They count where the server asks for certificates
	// (certs.Files.Server).
	Certificates map[string]Role
	// Anonymous is the role of who shows neither. Default None.
	Anonymous Role
	// LocalOnly refuses requests for another host than localhost or a loopback address. A server
	// on such an address that asks nobody who they are needs it: a page of somebody else, in a
	// browser on this machine, reaches it by a name of its own that leads here (DNS rebinding).
	LocalOnly bool
	// BodyBytesMax bounds the body of a request. Default 8 MiB.
	BodyBytesMax int64
	// PerSecond bounds the requests of one client, on average, and Burst how many may
	// come at once; a client is a token or a certificate, else an address. Default 200
	// and 400; PerSecond below 0: not bounded.
	PerSecond float64
	Burst     int
	// HeaderTimeout bounds how long a client may take to send the head of a request, and
	// BodyTimeout the whole of it. Default 10 s and 40 s.
	HeaderTimeout, BodyTimeout time.Duration
	// AnswerTimeout bounds how long a request may take with all of its answer: a client that
	// takes none of it loses its connection. Default three times BodyTimeout. A handler whose
	// answers have no end sets deadlines of its own, by http.ResponseController.
	AnswerTimeout time.Duration
	// Now is the clock of the limits. Default time.Now.
	Now func() time.Time
}

// Guard lets in who may come. For concurrent use.
type Guard struct {
	config Config
	pace   pace
}

// New makes a guard. Errors tell all mistakes of the configuration, and no token.
func New(config Config) (*Guard, error) {
	var mistakes []error
	for i, t := range config.Tokens {
		if len(t.Token.Reveal()) < tokenBytesMin {
			mistakes = append(mistakes, fmt.Errorf("httpauth: token %d, of %q, has fewer than %d bytes: it can be guessed", i+1, t.Name, tokenBytesMin))
		}
		if t.Name == "" || t.Role == None {
			mistakes = append(mistakes, fmt.Errorf("httpauth: token %d needs a name and a role", i+1))
		}
		for _, other := range config.Tokens[:i] {
			if t.Token.Equal(other.Token.Reveal()) {
				mistakes = append(mistakes, fmt.Errorf("httpauth: %q and %q have the same token", other.Name, t.Name))
			}
		}
	}
	setDefault(&config.BodyBytesMax, 8<<20)
	setDefault(&config.PerSecond, 200)
	setDefault(&config.Burst, 400)
	setDefault(&config.HeaderTimeout, 10*time.Second)
	setDefault(&config.BodyTimeout, 40*time.Second)
	setDefault(&config.AnswerTimeout, 3*config.BodyTimeout)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Guard{config: config, pace: pace{perSecond: config.PerSecond, burst: float64(config.Burst)}}, errors.Join(mistakes...)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Server is a server of a handler behind the guard, with times that slow requests do not
// pass. config is that of TLS; nil: none.
func (g *Guard) Server(next http.Handler, config *tls.Config) *http.Server {
	return &http.Server{
		Handler: g.Handler(next), TLSConfig: config,
		ReadHeaderTimeout: g.config.HeaderTimeout, ReadTimeout: g.config.BodyTimeout, WriteTimeout: g.config.AnswerTimeout,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
}

// Handler puts the guard before a handler, which finds with From who asks. Who has no role
// gets no further; what a role may do is the handler's to ask, by Allow.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.config.LocalOnly && !local(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, "wrong_host", fmt.Sprintf("the request is for %q, and this server is for this machine alone", r.Host), "ask localhost; where something before this server knows who asks, tell the server so")
			return
		}
		who, known := g.identify(r)
		client := who.Name
		if !known || client == "" {
			client = "address " + host(r.RemoteAddr) // who guesses tokens is slowed down, too
		}
		if wait := g.pace.take(client, g.config.Now()); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			refuse(w, http.StatusTooManyRequests, "too_many_requests", fmt.Sprintf("more than %g requests a second", g.config.PerSecond), "wait as long as Retry-After says, and ask less often")
			return
		}
		switch {
		case !known:
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			refuse(w, http.StatusUnauthorized, "unauthorized", "the token is not known here", "use a token that counts")
		case who.Role == None && who.Name != "":
			refuse(w, http.StatusForbidden, "forbidden", fmt.Sprintf("the certificate is for %q, which has no role here", who.Name), "ask who runs the server for a role")
		case who.Role == None:
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "unauthorized", "the request says not who asks", "send the header Authorization: Bearer TOKEN, or a certificate")
		case r.ContentLength > g.config.BodyBytesMax:
			refuse(w, http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the body has %d bytes, at most %d are taken", r.ContentLength, g.config.BodyBytesMax), "send less at a time")
		default:
			r = r.WithContext(context.WithValue(r.Context(), identityKey{}, who))
			r.Body = http.MaxBytesReader(w, r.Body, g.config.BodyBytesMax)
			next.ServeHTTP(w, r)
		}
	})
}

// identify finds out who asks. A token that does not count makes nobody known, whatever
// else is shown.
func (g *Guard) identify(r *http.Request) (who Identity, known bool) {
	if header := r.Header.Values("Authorization"); len(header) > 0 {
		scheme, sent, _ := strings.Cut(header[0], " ")
		found := Identity{}
		if len(header) == 1 && strings.EqualFold(scheme, "Bearer") {
			for _, t := range g.config.Tokens { // all of them: the time tells nothing
				if t.Token.Equal(strings.TrimSpace(sent)) {
					found = Identity{t.Name, t.Role}
				}
			}
		}
		return found, found.Role != None
	}
	names := certs.Names(r.TLS)
	if len(names) > 0 {
		who = Identity{Name: names[0], Role: g.config.Anonymous}
	} else {
		who.Role = g.config.Anonymous
	}
	for _, name := range names {
		if role := g.config.Certificates[name]; role > who.Role {
			who = Identity{name, role}
		}
	}
	return who, true
}

// local reports whether a host, with or without a port, is this machine's by its name or address.
func local(address string) bool {
	name := strings.Trim(host(address), "[]")
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}

// refuse answers with problem details.
func refuse(w http.ResponseWriter, status int, code, detail, mend string) {
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Connection", "close") // what else comes is not read
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct { // who asked has gone
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Mend   string `json:"mend"`
	}{"about:blank", http.StatusText(status), status, code, detail, mend})
}
