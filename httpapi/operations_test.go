package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/overview"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
)

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
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"jam","Amount":2},"id":"one"}`, 200, `"acks":{"sell":2}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"jam","Amount":2},"id":"one"}`, 200, `"acks":{"sell":2}`},
		{"GET", "/v1/modules/shop/pstates/stock/select-one?path=" + path(`key("jam")`), "", 200, `"value":2}`},
		{"GET", "/v1/modules", "", 200, `"name":"shop"`},
		{"GET", "/v1/modules/shop", "", 200, `"guarantee":"exactly once (no hops)`},
		{"GET", "/v1/modules/shop/tasks", "", 200, `"task":0`},
		{"GET", "/v1/modules/shop/progress", "", 200, `"source":"orders"`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=" + path(`key("tea")`), "", 200, `"values":[6]`},
		{"GET", "/v1/modules/shop/pstates/stock/select", "", 200, `"values":[{"jam":2,"milk":1,"tea":6}]`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=keys&limit=1", "", 200, `"values":["jam"]}],"more":true}`},
		{"GET", "/v1/modules/shop/pstates/stock/select?path=keys&limit=3", "", 200, `"more":false}`},
		{"GET", "/v1/modules/shop/pstates/log/select?path=keys", "", 200, `"more":true`},
		{"POST", "/v1/modules/shop/pstates/log/select", `{"path":"keys.count","tasks":[0]}`, 200, `"values":[1500]`},
		{"GET", "/v1/modules/shop/pstates/stock/select-one?path=" + path(`key("tea")`), "", 200, `"value":6}`},
		{"POST", "/v1/modules/shop/queries/left/invoke", `{"argument":"tea"}`, 200, `{"result":6}`},
		{"GET", "/v1/modules/shop/options", "", 200, `"store.durability"`},
		{"PUT", "/v1/modules/shop/options/topology.stream.timeout.seconds?topology=sell", `{"value":"7"}`, 200, `"from":"topology sell"`},
		{"GET", "/v1/modules/shop/options/topology.stream.timeout.seconds?topology=sell", "", 200, `"value":"7"`},
		{"DELETE", "/v1/modules/shop/options/topology.stream.timeout.seconds?topology=sell", "", 200, `"from":"default"`},
		{"GET", "/v1/modules/shop/parked", "", 200, `{"records":[],"reasons":[]}`},
		{"POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"broken","Amount":1}}`, 409, `"code":"failed"`},
		{"GET", "/v1/modules/shop/parked", "", 200, `"reason":"it breaks"`},
		{"GET", "/v1/modules/shop/parked", "", 200, `"reasons":[{"topology":"sell","handler":"orders","reason":"it breaks","records":1}]`},
		{"GET", "/v1/modules/shop/trees?recent=true", "", 200, `"failing":[{"topology":"sell","source":"orders","error":"it breaks","records":1,"example":{"module":"shop","depot":"orders","partition":0,"offset":7}}]`},
		{"GET", "/v1/modules/shop/overview", "", 200, `"latency":{"of":"records","count":`},
		{"POST", "/v1/modules/shop/parked/edit", `{"topology":"sell","source":"orders","partition":0,"offset":7,"value":"no order"}`, 400, `"code":"wrong_record"`},
		{"POST", "/v1/modules/shop/parked/edit", `{"topology":"sell","source":"orders","partition":0,"offset":7,"value":"{\"Item\":\"cup\",\"Amount\":4}"}`, 200, `edited`},
		{"POST", "/v1/modules/shop/parked/retry", `{"topology":"sell","source":"orders","partition":0,"offset":7}`, 200, `done`},
		{"GET", "/v1/modules/shop/pstates/stock/select-one?path=" + path(`key("cup")`), "", 200, `"value":4}`},
		{"POST", "/v1/modules/shop/parked/skip", `{"topology":"sell","source":"orders","partition":0,"offset":7}`, 404, `"code":"not_parked"`},
		{"GET", "/v1/overviews", "", 200, `"name":"shop"`},
		{"GET", "/v1/modules/shop/overview", "", 200, `"workers":[{"address":`},
		{"GET", "/v1/modules/shop/plan", "", 200, `{"id":"source sell/orders","kind":"source","name":"orders"`},
		{"GET", "/v1/modules/shop/depots/orders/records?from=0&limit=1", "", 200, `"records":[{"offset":0,`},
		{"GET", "/v1/modules/shop/depots/orders/records?limit=2", "", 200, `"start":0,"end":8`},
		{"GET", "/v1/modules/shop/depots/orders/records?from=99", "", 400, `"code":"out_of_range"`},
		{"GET", "/v1/modules/shop/depots/orders/records?from=x", "", 400, `"code":"wrong_parameter"`},
		{"GET", "/v1/modules/shop/trees?recent=true", "", 200, `{"trees":[`},
		{"GET", "/v1/modules/shop/depots/orders/records/0/7/trees", "", 200, `{"trees":[`},
		{"GET", "/v1/modules/shop/depots/orders/records/0/x/trees", "", 400, `"code":"wrong_parameter"`},
		{"GET", "/v1/modules/shop/topologies/sell/microbatches", "", 404, `"code":"no_microbatches"`},
		{"POST", "/v1/modules/shop/topologies/sell/pause", "", 200, `paused`},
		{"POST", "/v1/modules/shop/topologies/sell/resume", "", 200, `runs`},
		{"GET", "/v1/modules/shop/audit", "", 200, `"through":"http","did":"resumeTopology","subject":"topology sell"`},
		{"GET", "/v1/modules/shop/audit", "", 200, `"did":"setOption","subject":"topology.stream.timeout.seconds of topology sell","before":"30","after":"7"`},
		{"GET", "/v1/modules/shop/audit", "", 200, `"did":"editParked","subject":"shop/sell/orders/0/7","before":"{\"Item\":\"broken\",\"Amount\":1}","after":"{\"Item\":\"cup\",\"Amount\":4}"`},
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
		{"GET", "/v1/modules/a%2Fb", "", 404, "unknown_module", "list of modules: GET /v1/modules"},
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

// The overview tells how long the records of the sample took, as the worker told it: here all
// are drawn.
func TestLatencyIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{})
	for range 25 {
		if status, got := r.ask("POST", "/v1/modules/shop/depots/orders/records", `{"data":{"Item":"tea","Amount":3}}`); status != http.StatusOK {
			t.Fatalf("%d %s", status, got)
		}
	}
	_, got := r.ask("GET", "/v1/modules/shop/overview", "")
	var m overview.Module
	if err := json.Unmarshal([]byte(got), &m); err != nil {
		t.Fatal(err)
	}
	for _, topology := range m.Topologies {
		if l := topology.Latency; topology.Name == "sell" && (l == nil || l.Count != 25 || l.P50Seconds <= 0 || l.P95Seconds < l.P50Seconds || l.Why != "") {
			t.Errorf("of 25 records: %+v", l)
		}
	}
}

// A parked record that was retried is spoken of as such, not as one that was just appended; and
// who reads pages is told of no operation.
func TestProblemsOfParkedRecords(t *testing.T) {
	t.Parallel()
	failed := &client.FailedError{Place: client.Place{Module: "shop", Depot: "orders"}, Topology: "sell", Text: "no price", Attempt: 4, Parked: true, Retried: true}
	if p := problemOf(failed); p.Code != "failed" || p.Appended != "" || p.Place == nil || !strings.Contains(p.Mend, "stays parked") || strings.Contains(p.Mend, "send it again") || !strings.Contains(p.Detail, "the retry, attempt 4, failed in sell: no price; the record stays parked") {
		t.Errorf("a retry is %+v", p)
	}
	failed.Retried = false
	if p := problemOf(failed); p.Appended != "yes" || !strings.Contains(p.Mend, "do not send it again") {
		t.Errorf("an append is %+v", p)
	}
	const parked = "look at the list of what is parked"
	if p := problemOf(client.ErrNotParked); p.Mend != parked+": GET /v1/modules/{module}/parked" {
		t.Errorf("programs are told %q", p.Mend)
	}
	if p := ProblemOf(client.ErrNotParked); p.Mend != parked {
		t.Errorf("people are told %q", p.Mend)
	}
	for _, c := range codes {
		if strings.Contains(c.mend, "GET /") || c.mend == "" {
			t.Errorf("%s: %q", c.code, c.mend)
		}
	}
}

// Who waits for a server that does not answer is not told to ask for less.
func TestProblemsOfServersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	kafka := problemOf(fmt.Errorf("listing topics: %w: brokers k:9092: %w", depot.ErrUnreachable, context.DeadlineExceeded))
	if kafka.Code != "timeout" || kafka.Status != http.StatusGatewayTimeout || !strings.Contains(kafka.Mend, "look whether Kafka answers: coppice doctor") || strings.Contains(kafka.Mend, "less") {
		t.Errorf("of Kafka: %+v", kafka)
	}
	other := problemOf(fmt.Errorf("reading the slot of task 0: %w", context.DeadlineExceeded))
	if other.Code != "timeout" || !strings.Contains(other.Mend, "for less") || !strings.Contains(other.Mend, "coppice doctor") {
		t.Errorf("of anything: %+v", other)
	}
	if p := problemOf(fmt.Errorf("%w: %w", client.ErrNotAppended, depot.ErrUnreachable)); p.Code != "not_appended" {
		t.Errorf("of an append: %+v", p)
	}
}
