package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// order is a record of the shop.
type order struct {
	Item   string
	Amount int
}

// shop counts what is ordered, and refuses negative amounts.
type shop struct {
	Orders module.Depot[order]
	Inner  module.Depot[order]
	Stock  pstate.Map[string, int]
	Log    pstate.SortedMap[int, order]
	Secret pstate.Value[int]
	Total  module.Ack[int]
	Left   module.Query[string, int]
}

func (m *shop) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(o order) string { return o.Item }, module.AppendIDs(100))
	module.HashDepot(b, &m.Inner, "inner", func(o order) string { return o.Item }, module.DisallowAppends())
	module.DeclareQuery(b, &m.Left, "left", func(q *module.Asked, item string) (int, error) {
		if item == "" {
			return 0, errors.New("say of what")
		}
		return m.Stock.Key(item).Get(q)
	})
	s := b.Stream("sell")
	s.PState(&m.Stock, "stock")
	s.PState(&m.Log, "log", pstate.PartitionBy(func(int, int) int { return 0 }))
	s.PState(&m.Secret, "secret", pstate.Private())
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareSource(s, m.Orders, func(ev *module.Event, o order) error {
		switch {
		case o.Amount < 0:
			return module.Reject(errors.New("a negative amount"))
		case o.Item == "broken":
			return errors.New("it breaks")
		case o.Item == "many":
			for i := range o.Amount {
				m.Log.Key(i).Set(ev, o)
			}
			return nil
		}
		m.Total.Return(ev, m.Stock.Key(o.Item).Update(ev, func(n int) int { return n + o.Amount }))
		return nil
	}, module.MaxAttempts(1))
}

// rig is a shop behind a server.
type rig struct {
	t       *testing.T
	m       *shop
	c       *localcluster.Cluster
	server  *httptest.Server
	schemas *jsonschema.Compiler
}

func newRig(t *testing.T, config Config) *rig {
	t.Helper()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m := &shop{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1, Trees: telemetry.TreesConfig{Every: 1}}); err != nil {
		t.Fatal(err)
	}
	config.Client = c.Client()
	h, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return &rig{t: t, m: m, c: c, server: server, schemas: documentSchemas(t)}
}

// documentSchemas are the schemas of the OpenAPI document.
func documentSchemas(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	raw, err := json.Marshal(OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return compiler
}

// fits checks JSON against a schema of the document.
func (r *rig) fits(pointer string, raw []byte) {
	r.t.Helper()
	s, err := r.schemas.Compile("openapi.json#" + pointer)
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		r.t.Errorf("%s: the answer %s does not fit: %v", pointer, raw, err)
	}
}

// ask asks the server, and checks the answer against the document.
func (r *rig) ask(method, address, body string) (int, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+address, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	a, err := r.server.Client().Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer a.Body.Close()
	raw, err := io.ReadAll(a.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	switch a.Header.Get("Content-Type") {
	case "application/problem+json":
		r.fits("/components/schemas/Problem", raw)
	case "application/json":
		u, _ := url.Parse(address)
		if pointer := resultPointer(method, u.Path); pointer != "" {
			r.fits(pointer, raw)
		}
	default:
		r.t.Errorf("%s %s: content type %q", method, address, a.Header.Get("Content-Type"))
	}
	return a.StatusCode, strings.TrimSpace(string(raw))
}

// resultPointer leads to the schema of an operation's answer.
func resultPointer(method, path string) string {
	for i := range operations {
		op := &operations[i]
		pattern := "^" + inPath.ReplaceAllString(op.pattern, "[^/]+") + "$"
		if op.method == method && op.result != nil && regexp.MustCompile(pattern).MatchString(path) {
			escaped := strings.ReplaceAll(strings.ReplaceAll(op.pattern, "~", "~0"), "/", "~1")
			return "/paths/" + url.PathEscape(escaped) + "/" + strings.ToLower(method) + "/responses/200/content/application~1json/schema"
		}
	}
	return ""
}
