package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
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
	module.HashDepot(b, &m.Orders, "orders", func(o order) string { return o.Item })
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
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
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

// Every operation does what it says, and its answer is what the document says.
func TestOperations(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{})
	path := func(text string) string { return url.QueryEscape(text) }
	for _, test := range []struct {
		method, address, body string
		status                int
		want                  string // part of the answer
	}{
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"tea","Amount":3}}`, 200, `"acks":{"sell":3}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"tea","Amount":2},"ackLevel":"ack"}`, 200, `"place":{"module":"shop","depot":"orders","partition":0,"offset":1},"acks":{"sell":5}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"milk","Amount":1},"ackLevel":"appendAck"}`, 200, `"offset":2`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"many","Amount":1500},"partition":0}`, 200, `"acks":{}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"stored":"eyJJdGVtIjoidGVhIiwiQW1vdW50IjoxfQ==","key":"tea"}`, 200, `"acks":{"sell":6}`},
		{"GET", "/v1/modules", "", 200, `"name":"shop"`},
		{"GET", "/v1/modules/shop", "", 200, `"guarantee":"exactly once (no hops)`},
		{"GET", "/v1/modules/shop/tasks", "", 200, `"task":0`},
		{"GET", "/v1/modules/shop/progress", "", 200, `"source":"orders"`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=" + path(`key("tea")`), "", 200, `"values":[6]`},
		{"GET", "/v1/modules/shop/pstates/stock/select", "", 200, `"values":[{"milk":1,"tea":6}]`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=keys&limit=1", "", 200, `"values":["milk"]}],"more":true}`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=keys&limit=2", "", 200, `"more":false}`},
		{"GET", "/v1/modules/shop/pstates/log/select?path=keys", "", 200, `"more":true`},
		{"POST", "/v1/modules/shop/pstates/log/select", `{"path":"keys.count","tasks":[0]}`, 200, `"values":[1500]`},
		{"GET", "/v1/modules/shop/pstates/stock/select-one?path=" + path(`key("tea")`), "", 200, `"value":6}`},
		{"POST", "/v1/modules/shop/queries/left/invoke", `{"argument":"tea"}`, 200, `{"result":6}`},
		{"GET", "/v1/modules/shop/options", "", 200, `"store.durability"`},
		{"PUT", "/v1/modules/shop/options/topology.stream.timeout.seconds?topology=sell", `{"value":"7"}`, 200, `"from":"topology sell"`},
		{"GET", "/v1/modules/shop/options/topology.stream.timeout.seconds?topology=sell", "", 200, `"value":"7"`},
		{"DELETE", "/v1/modules/shop/options/topology.stream.timeout.seconds?topology=sell", "", 200, `"from":"default"`},
		{"GET", "/v1/modules/shop/parked", "", 200, `{"records":[]}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"broken","Amount":1}}`, 409, `"code":"failed"`},
		{"GET", "/v1/modules/shop/parked", "", 200, `"reason":"it breaks"`},
		{"POST", "/v1/modules/shop/parked/edit", `{"topology":"sell","source":"orders","partition":0,"offset":5,"value":"{\"Item\":\"cup\",\"Amount\":4}"}`, 200, `edited`},
		{"POST", "/v1/modules/shop/parked/retry", `{"topology":"sell","source":"orders","partition":0,"offset":5}`, 200, `done`},
		{"GET", "/v1/modules/shop/pstates/stock/select-one?path=" + path(`key("cup")`), "", 200, `"value":4}`},
		{"POST", "/v1/modules/shop/parked/skip", `{"topology":"sell","source":"orders","partition":0,"offset":5}`, 404, `"code":"not_parked"`},
		{"POST", "/v1/modules/shop/topologies/sell/pause", "", 200, `paused`},
		{"POST", "/v1/modules/shop/topologies/sell/resume", "", 200, `runs`},
	} {
		if status, got := r.ask(test.method, test.address, test.body); status != test.status || !strings.Contains(got, test.want) {
			t.Errorf("%s %s %s: %d %s; want %d, %s", test.method, test.address, test.body, status, got, test.status, test.want)
		}
	}
}

// Whatever is wrong has a code of its own, says where it is and what to do, and of an
// append whether the record is in the depot.
func TestProblems(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{BodyBytesMax: 200, Authorize: func(_ *http.Request, a Access) error {
		if a.Operation == "skipParked" && a.Changes && a.Module == "shop" {
			return errors.New("you may not")
		}
		return nil
	}})
	const records = "/v1/modules/shop/depots/orders/records"
	for _, test := range []struct {
		method, address, body string
		status                int
		code                  string
		want                  string
	}{
		{"GET", "/v1/nothing", "", 404, "unknown_route", "openapi"},
		{"DELETE", "/v1/modules", "", 405, "wrong_method", "use GET"},
		{"GET", "/v1/modules/none", "", 404, "unknown_module", "there are shop"},
		{"GET", "/v1/modules/shop/pstates/none/select", "", 404, "unknown_pstate", "it has log"},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=kee", "", 400, "wrong_path", `"where":"path, byte 0"`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=key(7)", "", 400, "wrong_type", `"where":"path, byte 4"`},
		{"GET", "/v1/modules/shop/pstates/stock/select?pth=key", "", 400, "wrong_parameter", `"where":"query pth"`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=keys&path=keys", "", 400, "wrong_parameter", "2 times"},
		{"GET", "/v1/modules/shop/pstates/stock/select?limit=0", "", 400, "wrong_parameter", "from 1 to 10000"},
		{"GET", "/v1/modules/shop/pstates/stock/select?task=x", "", 400, "wrong_parameter", "no number of a task"},
		{"GET", "/v1/modules/shop/pstates/stock/select?task=9", "", 400, "unknown_task", "it has 0 to 0"},
		{"POST", "/v1/modules/shop/pstates/stock/select", `{"limit":-1}`, 400, "wrong_body", "x-ndjson"},
		{"GET", "/v1/modules/shop/pstates/secret/select", "", 403, "private", "private"},
		{"GET", "/v1/modules/shop/pstates/log/select?path=key(1)", "", 400, "placed_by_code", "parameter task"},
		{"GET", "/v1/modules/shop/pstates/stock/select-one?path=vals", "", 404, "none", "select"},
		{"GET", "/v1/modules/shop/pstates/stock/watch?path=kee", "", 400, "wrong_path", "no step"},
		{"POST", "/v1/modules/shop/queries/top/invoke", `{}`, 404, "unknown_query", "the module has left"},
		{"POST", "/v1/modules/shop/queries/left/invoke", `[]`, 400, "wrong_body", "requestBody"},
		{"POST", "/v1/modules/shop/queries/left/invoke", `{"argument":7}`, 400, "wrong_argument", "no string"},
		{"POST", "/v1/modules/shop/queries/left/invoke", `{"argument":""}`, 422, "query_failed", "say of what"},
		{"GET", "/v1/modules/shop/options/none", "", 404, "unknown_option", "none"},
		{"PUT", "/v1/modules/shop/options/store.durability", `{"value":"safe"}`, 400, "wrong_value", "replicated N"},
		{"PUT", "/v1/modules/shop/options/store.durability", `{"value":""}`, 400, "wrong_value", "DELETE"},
		{"PUT", "/v1/modules/shop/options/store.durability?topology=sell", `{"value":"applied"}`, 400, "wrong_place", "the module"},
		{"GET", "/v1/modules/shop/options?topology=none", "", 404, "unknown_topology", "it has sell"},
		{"POST", "/v1/modules/shop/topologies/none/pause", "", 404, "unknown_topology", "it has sell"},
		{"POST", "/v1/modules/shop/parked/skip", `{}`, 403, "forbidden", "you may not"},
		{"POST", "/v1/modules/shop/parked/retry", `{"module":"other"}`, 400, "wrong_body", "same module"},
		{"POST", records, `{"data":{"Item":"tea","Amount":-1}}`, 409, "rejected", `"appended":"yes"`},
		{"POST", records, `{"data":{"Item":"tea","Amount":"x"}}`, 400, "wrong_record", "Amount"},
		{"POST", records, `{"data":{"Item":"tea","Amuont":1}}`, 400, "wrong_record", "unknown field"},
		{"POST", records, `{"data":1,"level":"ack"}`, 400, "wrong_body", "unknown field"},
		{"POST", records, `{"data":1,"ackLevel":"all"}`, 400, "wrong_body", "no level"},
		{"POST", records, `{}`, 400, "wrong_body", "data or stored"},
		{"POST", records, `{"data":1} x`, 400, "wrong_body", "behind"},
		{"POST", records, ``, 400, "wrong_body", "requestBody"},
		{"POST", records, `{"data":"` + strings.Repeat("x", 300) + `"}`, 413, "body_too_large", "200 bytes"},
		{"POST", records, `{"data":{"Item":"tea","Amount":1},"partition":3}`, 400, "unknown_partition", "it has 0 to 0"},
		{"POST", records, `{"data":{"Item":"tea","Amount":1},"key":7}`, 400, "wrong_type", "keys of the depot are text"},
		{"POST", "/v1/modules/shop/depots/none/records", `{"data":1}`, 404, "unknown_depot", "inner, orders"},
		{"POST", "/v1/modules/shop/depots/inner/records", `{"data":1}`, 403, "appends_disallowed", "no appends of clients"},
	} {
		status, got := r.ask(test.method, test.address, test.body)
		if status != test.status || !strings.Contains(got, `"code":"`+test.code+`"`) || !strings.Contains(got, test.want) {
			t.Errorf("%s %s %s: %d %s; want %d, %s, %s", test.method, test.address, test.body, status, got, test.status, test.code, test.want)
		}
		var p Problem
		if err := json.Unmarshal([]byte(got), &p); err != nil || p.Mend == "" || p.Detail == "" || p.Title == "" {
			t.Errorf("%s %s: the problem says too little: %s", test.method, test.address, got)
		}
	}
	// A result that is too large for one value.
	if _, err := r.m.Orders.Append(t.Context(), r.c.Client(), order{"many", 1500}); err != nil {
		t.Fatal(err)
	}
	if status, got := r.ask("GET", "/v1/modules/shop/pstates/log/select", ""); status != 422 || !strings.Contains(got, "result_too_large") {
		t.Errorf("%d %s", status, got)
	}
}

// A page of another server cannot have a browser change something.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{})
	q, _ := http.NewRequestWithContext(t.Context(), "POST", r.server.URL+"/v1/modules/shop/topologies/sell/pause", nil)
	q.Header.Set("Sec-Fetch-Site", "cross-site")
	a, err := r.server.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if raw, _ := io.ReadAll(a.Body); a.StatusCode != http.StatusForbidden || !strings.Contains(string(raw), "cross_origin") {
		t.Errorf("%d %s", a.StatusCode, raw)
	}
}

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

// A watch outlives the time that the server gives a request to be read in.
func TestWatchOutlivesTheReadTimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Heartbeat: 10 * time.Millisecond})
	server := httptest.NewUnstartedServer(r.server.Config.Handler)
	server.Config.ReadTimeout = 30 * time.Millisecond
	server.Start()
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

// The document holds together: every reference leads somewhere, every part of a path is a
// parameter, ids are unique, every code that an operation names is one, and all schemas
// compile.
func TestDocument(t *testing.T) {
	t.Parallel()
	d := OpenAPI()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	compiler := documentSchemas(t)
	for name := range d.Components.Schemas {
		if _, err := compiler.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Error(err)
		}
	}
	for _, found := range regexp.MustCompile(`"\$ref":"([^"]*)"`).FindAllSubmatch(raw, -1) {
		ref := string(found[1])
		_, isSchema := d.Components.Schemas[strings.TrimPrefix(ref, refPrefix)]
		_, isReply := d.Components.Responses[strings.TrimPrefix(ref, "#/components/responses/")]
		if !isSchema && !isReply {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			if ids[op.ID] || op.ID == "" || op.Summary == "" {
				t.Errorf("%s %s: id %q, summary %q", method, path, op.ID, op.Summary)
			}
			ids[op.ID] = true
			for _, part := range inPath.FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p oasParameter) bool { return p.Name == part[1] && p.In == "path" && p.Required }) {
					t.Errorf("%s %s: %s is no parameter", method, path, part[1])
				}
			}
			for status, reply := range op.Responses {
				if reply.Ref == "" && (reply.Description == "" || len(reply.Content) == 0) {
					t.Errorf("%s %s: the reply %s says nothing", method, path, status)
				}
			}
		}
	}
	if len(ids) != len(operations) {
		t.Errorf("%d operations in the document, %d are served", len(ids), len(operations))
	}
	for i := range operations {
		for _, name := range operations[i].codes {
			known := slices.ContainsFunc(codes, func(c code) bool { return c.code == name }) || slices.ContainsFunc(otherCodes, func(c [3]string) bool { return c[0] == name })
			if !known {
				t.Errorf("%s: there is no code %q", operations[i].id, name)
			}
		}
	}
}

// The page is written from the code, and is current.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	document, err := json.MarshalIndent(OpenAPI(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"http.md": Reference(), "openapi.json": string(document) + "\n"} {
		file := filepath.Join("..", "docs", "reference", name)
		if os.Getenv("COPPICE_UPDATE") != "" {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != want {
			t.Errorf("docs/reference/%s is not what the code says: COPPICE_UPDATE=1 go test ./httpapi", name)
		}
	}
}

// Whatever is asked gets an answer in JSON: no panic, no internal error.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/v1/modules/shop/pstates/stock/select?path=key(%22tea%22)", ""},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"tea","Amount":1}}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"stored":"/w==","partition":0,"ackLevel":"none"}`},
		{"POST", "/v1/modules/shop/pstates/log/select", `{"path":"rangeFrom(1,2).vals.field(\"Item\")","tasks":[0]}`},
		{"PUT", "/v1/modules/shop/options/x/../y?topology=%00", `{"value":"1"}`},
		{"POST", "/v1/modules/shop/parked/retry", `{"offset":1e9}`},
		{"GET", "/v1/modules/%2e%2e/tasks?x=1;y=2", "\x00"},
		{"OPTIONS", "*", "[[[[[["},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	c, err := localcluster.Start(f.Context(), localcluster.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	if err := c.Launch(f.Context(), &shop{}, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		f.Fatal(err)
	}
	h, err := New(Config{Client: c.Client(), BodyBytesMax: 1 << 16})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, address, body string) {
		u, err := url.ParseRequestURI(address)
		if err != nil || strings.HasSuffix(u.Path, "/watch") {
			return
		}
		q, err := http.NewRequestWithContext(t.Context(), method, "http://x"+u.RequestURI(), strings.NewReader(body))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		kind := w.Header().Get("Content-Type")
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("%s %s %q: %s", method, address, body, w.Body)
		}
		if strings.Contains(kind, "json") && !json.Valid(w.Body.Bytes()) && kind != linesKind {
			t.Fatalf("%s %s %q: no JSON: %s", method, address, body, w.Body)
		}
	})
}
