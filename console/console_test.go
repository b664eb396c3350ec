package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// visit asks for a page, as a browser that has these cookies does.
func visit(t testing.TB, h http.Handler, method, address string, form url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// pagesOfShop are all pages, with something that each shows.
var pagesOfShop = map[string]string{
	"/":                       "Running modules",
	"/m/shop":                 "What waits for what",
	"/m/shop/plan":            "at least once",
	"/m/shop/topologies":      "sell",
	"/m/shop/topologies/sell": "$$__streaming-state-sell",
	"/m/shop/parked":          "no &lt;b&gt;price&lt;/b&gt; of &#34;tea&#34;",
	"/m/shop/parked/one?topology=sell&source=orders&partition=1&offset=7": "&lt;tea&gt;",
	"/m/shop/pstates":                           "map[string]int",
	"/m/shop/pstates/sold":                      "te.a",
	"/m/shop/pstates/sold?path=wrong":           "no step",
	"/m/shop/pstates/secret":                    "It is private",
	"/m/shop/depots":                            "orders",
	"/m/shop/depots/orders?partition=1&from=20": "&lt;script&gt;alert(1)&lt;/script&gt;",
	"/m/shop/tasks":                             "10.0.0.3:7070",
	"/m/shop/tasks/3":                           "Trees that wait for acks",
	"/m/shop/options":                           "How long a tree may take.",
	"/m/shop/options?topology=sell":             "for the whole module only",
	"/m/shop/trees":                             "the handler of step ship of sell on task 2", "/m/shop/trees/orders/2/5": "What it waits for now", "/m/shop/trees/orders/1/7": "Retry, edit or skip it", "/m/shop/trees/orders/0/8": "Nothing is known of it",
	"/m/shop/audit": "Nothing was changed yet",
}

// Every page of a module with 1,000 tasks is shown: with one heading of the first level,
// landmarks, labels for all fields and names for all buttons, headers for all columns, ids
// that are unique, and nothing from other hosts nor scripts or styles of its own.
func TestPages(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, newFake(1000))
	for address, want := range pagesOfShop {
		w := visit(t, h, http.MethodGet, address, nil)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, and no %q in\n%s", address, w.Code, want, clip(body, 3000))
			continue
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", address, policy)
		}
		for _, fault := range faults(t, body) {
			t.Errorf("%s: %s", address, fault)
		}
	}
}

// faults lists what keeps a page from being used by keyboard or by a reader of the screen.
func faults(t *testing.T, body string) (all []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	labels, ids, tags := map[string]bool{}, map[string]int{}, map[string]int{}
	var nodes []*html.Node
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		nodes = append(nodes, n)
		tags[n.Data]++
		if id := attribute(n, "id"); id != "" {
			ids[id]++
		}
		if n.Data == "label" {
			labels[attribute(n, "for")] = true
		}
	}
	for _, n := range nodes {
		switch n.Data {
		case "input", "select", "textarea":
			if attribute(n, "type") != "hidden" && !labels[attribute(n, "id")] {
				all = append(all, n.Data+" "+attribute(n, "name")+" has no label")
			}
		case "button", "a":
			if strings.TrimSpace(textOf(n)) == "" && attribute(n, "aria-label") == "" {
				all = append(all, n.Data+" without a name")
			}
		case "svg":
			if attribute(n, "aria-hidden") == "" && attribute(n, "aria-label") == "" {
				all = append(all, "a picture that says nothing")
			}
		case "th":
			if attribute(n, "scope") == "" {
				all = append(all, "a header of a table without a scope")
			}
		case "style":
			all = append(all, "a sheet within the page, which its policy forbids")
		}
		if attribute(n, "style") != "" || strings.HasPrefix(attribute(n, "onclick"), "") && attribute(n, "onclick") != "" {
			all = append(all, n.Data+" has a style or a script of its own, which the policy forbids")
		}
		for _, name := range []string{"src", "href", "action"} {
			if to := attribute(n, name); strings.Contains(to, "//") {
				all = append(all, n.Data+" leads to another host: "+to)
			}
		}
		for _, name := range []string{"aria-labelledby", "aria-describedby"} {
			if id := attribute(n, name); id != "" && ids[id] == 0 {
				all = append(all, name+" names nothing: "+id)
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			all = append(all, "the id "+id+" is there several times")
		}
	}
	for tag, n := range map[string]int{"h1": 1, "main": 1, "title": 1} {
		if tags[tag] != n && tag != "title" || tags[tag] == 0 {
			all = append(all, tag+" is there "+number(tags[tag])+" times")
		}
	}
	return all
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return out.String()
}

// Every link of the console leads to a page of it.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, newFake(5))
	seen := map[string]bool{}
	links := regexp.MustCompile(`(?:href|src)="(/[^"#]*)`)
	var follow func(address string)
	follow = func(address string) {
		if seen[address] || strings.HasPrefix(address, "/v1/") || len(seen) > 400 {
			return
		}
		seen[address] = true
		w := visit(t, h, http.MethodGet, address, nil)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", address, w.Code)
		}
		if strings.Contains(w.Header().Get("Content-Type"), "html") {
			for _, found := range links.FindAllStringSubmatch(w.Body.String(), -1) {
				follow(strings.ReplaceAll(html.UnescapeString(found[1]), " ", "%20"))
			}
		}
	}
	follow("/")
	if len(seen) < 30 {
		t.Errorf("%d pages were seen", len(seen))
	}
}

// What is not there has a page that says what to do.
func TestNowhere(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, newFake(3))
	for address, want := range map[string]string{
		"/nothing": "no such page", "/m/none": "there are shop", "/m/shop/pstates/none": "no PState none", "/m/shop/depots/none": "no depot none",
		"/m/shop/topologies/none": "no topology none", "/m/shop/tasks/9": "it has 0 to 2", "/m/shop/parked/one?offset=1": "not parked",
	} {
		if w := visit(t, h, http.MethodGet, address, nil); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), "What to do") {
			t.Errorf("%s: %d, and no %q in %s", address, w.Code, want, w.Body)
		}
	}
}

// An address that names no record is the fault of who asks, and what to do is said to people: no
// operation of the API.
func TestNoSuchRecord(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, newFake(3))
	for address, want := range map[string]int{
		"/m/none": http.StatusNotFound, "/m/a%2fb": http.StatusNotFound, "/m/shop/trees/orders/0/-4": http.StatusNotFound,
		"/m/shop/trees/orders/4294967296/5": http.StatusBadRequest, "/m/shop/trees/orders/x/5": http.StatusBadRequest,
	} {
		if w := visit(t, h, http.MethodGet, address, nil); w.Code != want || !strings.Contains(w.Body.String(), "What to do") || strings.Contains(w.Body.String(), "GET /") {
			t.Errorf("%s: %d, want %d: %s", address, w.Code, want, w.Body)
		}
	}
}

// What stands still is named, with what it waits for.
func TestWhatWaits(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	f.silent[2], f.halted[1] = true, errors.New("the depot was cut")
	h := newTestHandler(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 6 { // 12 seconds of the look's clock
		if _, err := h.look.Module(ctx, "shop"); err != nil {
			t.Fatal(err)
		}
	}
	body := visit(t, h, http.MethodGet, "/m/shop", nil).Body.String()
	for _, want := range []string{"task 2 does not answer", "the handler of step ship of sell, which has not returned, for record orders/2@5", "task 1 has halted", "the depot was cut", "topology sell stands still, with 20 records to do", "task 4 has no owner", "1 record is parked"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

// The colours that were chosen are kept.
func TestTheme(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, newFake(3))
	w := visit(t, h, http.MethodPost, "/theme", url.Values{"theme": {"dark"}})
	if body := visit(t, h, http.MethodGet, "/", nil, w.Result().Cookies()...).Body.String(); !strings.Contains(body, `data-theme="dark"`) {
		t.Error("the page is not dark")
	}
}

// A page of 1,000 tasks is made quickly: BenchmarkTasks measures how quickly.
func BenchmarkTasks(b *testing.B) {
	h := newTestHandler(b, newFake(1000))
	for b.Loop() {
		visit(b, h, http.MethodGet, "/m/shop/tasks", nil)
	}
}

// What paths lead further, and what is one step shorter.
func TestPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{`key("a.b").field("c")`: `key("a.b")`, `keys`: "", `key("\".x")`: "", `vals.filter(field("a.b") > 1).limit(3)`: `vals.filter(field("a.b") > 1)`} {
		if up, ok := shorter(path); up != want || !ok {
			t.Errorf("above %s is %q", path, up)
		}
	}
	for _, test := range [][3]string{{"keys", `"tea"`, `key("tea")`}, {`key("a").keys`, `7`, `key("a").key(7)`}, {"entries", `{"key":"te.a","value":2}`, `key("te.a")`}, {"vals", `1`, ""}} {
		if got := into(test[0], []byte(test[1])); got != test[2] {
			t.Errorf("from %s, %s leads to %q", test[0], test[1], got)
		}
	}
}

// While a module cannot be seen the first page does not say that all is well, and says why.
func TestUnseenModulesAreFindings(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.unseen = errors.New("the store does not <answer>")
	body := visit(t, newTestHandler(t, f), http.MethodGet, "/", nil).Body.String()
	for _, want := range []string{"it cannot be seen, so nobody knows whether it gets on", "the store does not &lt;answer&gt;", `class="finding broken"`, `href="/m/shop">Show the module`, "1 thing stands still"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "Nothing stands still") {
		t.Error("the page says that nothing stands still")
	}
}

// How long records take is shown of the sample alone, with how many there were; of too few why
// nothing is. The list of trees and its JSON are of as many trees.
func TestLatency(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	for _, test := range []struct {
		l    eventtree.Latency
		says []string
	}{
		{eventtree.Latency{Of: eventtree.OfRecords, Count: 1234, Since: time.Unix(1_700_000_000, 0), P50Seconds: 0.002, P95Seconds: 0.013, P99Seconds: 0.02}, []string{">2 ms<", ">13 ms<", ">20 ms<", number(1234)}},
		{eventtree.Latency{Of: eventtree.OfRecords, Count: 3, Why: "3 records of the sample have ended"}, []string{"3 records of the sample have ended"}},
	} {
		f.latency = test.l
		h := newTestHandler(t, f)
		for _, page := range []string{"/m/shop/trees", "/m/shop/topologies/sell"} {
			body := visit(t, h, http.MethodGet, page, nil).Body.String()
			for _, want := range test.says {
				if !strings.Contains(body, want) {
					t.Errorf("%s does not say %q", page, want)
				}
			}
		}
	}
	body := visit(t, newTestHandler(t, f), http.MethodGet, "/m/shop/trees", nil).Body.String()
	if want := fmt.Sprintf("/trees?limit=%d&amp;recent=true", treesShown); !strings.Contains(body, want) || f.filter.Limit != treesShown {
		t.Errorf("the page asked for %d trees, and no link has %s", f.filter.Limit, want)
	}
}

// Whose trees are missing is said beside those of the others.
func TestMissingTreesAreNamed(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.missing = []eventtree.Missing{{Worker: "10.0.0.9:7070", Tasks: []task.ID{1, 2}, Error: "no <answer>"}}
	body := visit(t, newTestHandler(t, f), http.MethodGet, "/m/shop/trees", nil).Body.String()
	for _, want := range []string{"nobody answers for 2 tasks of worker 10.0.0.9:7070: no &lt;answer&gt;", "the handler of step ship"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// A task says since when its owner has it, as the owner tells.
func TestLastHandOver(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.status = runtime.Status{Running: true, TookAt: time.Unix(1_700_000_000, 0), TakeOver: 1200 * time.Millisecond, TookFrom: "10.0.0.9:7070"}
	h := newTestHandler(t, f)
	for _, page := range []string{"/m/shop/tasks", "/m/shop/tasks/1"} {
		if body := visit(t, h, http.MethodGet, page, nil).Body.String(); !strings.Contains(body, "took 1 s, from 10.0.0.9:7070") || !strings.Contains(body, clock(f.status.TookAt)) {
			t.Errorf("%s does not say it", page)
		}
	}
}
