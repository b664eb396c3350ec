// Package registry asks a registry of schemas, such as Confluent's, Redpanda's or Karapace,
// over its HTTP API: for codecs of topics whose records name their schemas by number
// (avrocodec.Registered, protobufcodec.Registered, JSON).
package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/coppice-run/coppice/codec"
)

// Config says which registry to use.
type Config struct {
	// URLs are the addresses of the registry's servers: http://host:8081.
	URLs []string
	// TLS, if set, is used for every connection.
	TLS *tls.Config
	// User and Password, if set, are sent with each request, or Token is.
	User, Password string
	Token          string
	// Timeout bounds a question: for so long a task may wait that meets a schema for the
	// first time. Default 5 s.
	Timeout time.Duration
}

// Registry is a registry of schemas. It keeps what it was told for as long as it lives:
// schemas do not change under their ids.
type Registry struct {
	client  *sr.Client
	timeout time.Duration

	mu      sync.Mutex
	schemas map[int]codec.Schema
	ids     map[named]int
}

// named is a schema in a subject.
type named struct{ subject, kind, text string }

var _ codec.Schemas = (*Registry)(nil)

// Open returns a registry. It asks nothing yet.
func Open(config Config) (*Registry, error) {
	if len(config.URLs) == 0 {
		return nil, errors.New("registry: Config.URLs is empty: name the address of a schema registry")
	}
	if config.User != "" && config.Token != "" {
		return nil, errors.New("registry: Config.User and Config.Token are both set: choose one")
	}
	if config.Timeout == 0 {
		config.Timeout = 5 * time.Second
	}
	options := []sr.ClientOpt{sr.URLs(config.URLs...), sr.UserAgent("coppice")}
	if config.TLS != nil {
		options = append(options, sr.HTTPClient(&http.Client{Timeout: config.Timeout, Transport: &http.Transport{TLSClientConfig: config.TLS}}))
	}
	switch {
	case config.Token != "":
		options = append(options, sr.BearerToken(config.Token))
	case config.User != "":
		options = append(options, sr.BasicAuth(config.User, config.Password))
	}
	client, err := sr.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return &Registry{client: client, timeout: config.Timeout, schemas: map[int]codec.Schema{}, ids: map[named]int{}}, nil
}

// Schema returns the schema of an id, with those that it refers to.
func (r *Registry) Schema(id int) (codec.Schema, error) {
	r.mu.Lock()
	have, ok := r.schemas[id]
	r.mu.Unlock()
	if ok {
		return have, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	found, err := r.client.SchemaByID(ctx, id)
	if err != nil {
		return codec.Schema{}, failed(err)
	}
	schema := codec.Schema{Type: found.Type.String(), Text: found.Schema}
	if err := r.references(ctx, found.References, &schema, map[sr.SchemaReference]bool{}); err != nil {
		return codec.Schema{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.schemas[id] = schema
	return schema, nil
}

// references adds the texts of schemas that are referred to, each behind those that it
// refers to.
func (r *Registry) references(ctx context.Context, to []sr.SchemaReference, schema *codec.Schema, seen map[sr.SchemaReference]bool) error {
	for _, ref := range to {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		found, err := r.client.SchemaByVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return fmt.Errorf("schema %s, which it refers to: %w", ref.Name, failed(err))
		}
		if err := r.references(ctx, found.References, schema, seen); err != nil {
			return err
		}
		schema.References = append(schema.References, found.Schema.Schema)
	}
	return nil
}

// ID returns the id of a schema, and registers it under the subject if it is not there.
func (r *Registry) ID(subject string, schema codec.Schema) (int, error) {
	key := named{subject, schema.Type, schema.Text}
	r.mu.Lock()
	id, ok := r.ids[key]
	r.mu.Unlock()
	if ok {
		return id, nil
	}
	var kind sr.SchemaType
	if err := kind.UnmarshalText([]byte(schema.Type)); err != nil {
		return 0, fmt.Errorf("registry: a schema of type %q: %w", schema.Type, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	id, err := r.client.RegisterSchema(ctx, subject, sr.Schema{Schema: schema.Text, Type: kind}, -1, -1)
	if err != nil {
		return 0, failed(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids[key] = id
	return id, nil
}

// failed tells what the registry has answered from that it does not answer.
func failed(err error) error {
	var answered *sr.ResponseError
	if errors.As(err, &answered) && answered.StatusCode < http.StatusInternalServerError && answered.StatusCode != http.StatusTooManyRequests {
		return fmt.Errorf("registry: %w", err)
	}
	return fmt.Errorf("registry: %w: %w", codec.ErrUnavailable, err)
}
