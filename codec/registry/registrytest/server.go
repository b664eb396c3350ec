// Package registrytest has a registry of schemas in this process, for tests: it speaks as much of
// the HTTP API as serializers use.
package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
)

// Server is a registry that tests start and stop. Its methods may be called from any
// goroutine.
type Server struct {
	http *httptest.Server

	mu       sync.Mutex
	schemas  []Schema         // by id, from 1
	subjects map[string][]int // ids by version, from 1
	down     bool
	requests int
}

// Schema is a schema as it is registered.
type Schema struct {
	Text       string      `json:"schema"`
	Type       string      `json:"schemaType,omitempty"` // "": AVRO
	References []Reference `json:"references,omitempty"`
}

// Reference is one to a version of a subject.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// T is what a server needs of its test.
type T interface {
	Helper()
	Cleanup(func())
}

// Start starts a registry that ends with the test.
func Start(t T) *Server {
	t.Helper()
	s := New()
	t.Cleanup(s.Close)
	return s
}

// New starts a registry that ends with Close.
func New() *Server {
	s := &Server{subjects: map[string][]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /subjects/{subject}/versions", s.register)
	mux.HandleFunc("GET /subjects/{subject}/versions/{version}", s.version)
	mux.HandleFunc("GET /schemas/ids/{id}", s.schema)
	s.http = httptest.NewServer(s.answering(mux))
	return s
}

// Close ends it.
func (s *Server) Close() { s.http.Close() }

// URL is where it listens.
func (s *Server) URL() string { return s.http.URL }

// SetDown has it answer nothing but that it is not available, or again as before.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Requests is how many have come.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Register registers a schema, as a serializer does, and returns its id.
func (s *Server) Register(subject string, schema Schema) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.registered(subject, schema)
}

// registered finds or adds a schema; s is locked. The same schema has one id in all subjects.
func (s *Server) registered(subject string, schema Schema) int {
	same := func(have Schema) bool {
		return have.Text == schema.Text && have.Type == schema.Type && slices.Equal(have.References, schema.References)
	}
	id := slices.IndexFunc(s.schemas, same) + 1
	if id == 0 {
		s.schemas = append(s.schemas, schema)
		id = len(s.schemas)
	}
	if !slices.Contains(s.subjects[subject], id) {
		s.subjects[subject] = append(s.subjects[subject], id)
	}
	return id
}

func (s *Server) answering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests++
		down := s.down
		s.mu.Unlock()
		if down {
			refuse(w, http.StatusServiceUnavailable, 50003, "the registry is down")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	var schema Schema
	if err := json.NewDecoder(r.Body).Decode(&schema); err != nil {
		refuse(w, http.StatusUnprocessableEntity, 42201, err.Error())
		return
	}
	if schema.Type == "AVRO" {
		schema.Type = ""
	}
	answer(w, map[string]any{"id": s.Register(r.PathValue("subject"), schema)})
}

func (s *Server) schema(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 || id > len(s.schemas) {
		refuse(w, http.StatusNotFound, 40403, fmt.Sprintf("schema %s not found", r.PathValue("id")))
		return
	}
	answer(w, s.schemas[id-1])
}

func (s *Server) version(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	subject := r.PathValue("subject")
	version, err := strconv.Atoi(r.PathValue("version"))
	if ids := s.subjects[subject]; err != nil || version < 1 || version > len(ids) {
		refuse(w, http.StatusNotFound, 40402, fmt.Sprintf("subject %s has no version %s", subject, r.PathValue("version")))
		return
	}
	id := s.subjects[subject][version-1]
	answer(w, struct {
		Subject string `json:"subject"`
		Version int    `json:"version"`
		ID      int    `json:"id"`
		Schema
	}{subject, version, id, s.schemas[id-1]})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	_ = json.NewEncoder(w).Encode(v) // the client sees it if it is cut short
}

func refuse(w http.ResponseWriter, status, code int, text string) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error_code": code, "message": text})
}
