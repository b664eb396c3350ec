package browsertest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
)

// A person uses the console: looks at every page, sets an option and sees what it does, mends
// a parked record, watches a PState, and finds out what a record that is stuck waits for.
func TestConsole(t *testing.T) {
	r := newRig(t)
	r.visit("/")
	r.says("tbody", "Shop")
	r.says("#list svg.spark title", "Records done per second") // there is a course by now
	t.Run("pages", r.pages)
	t.Run("pause", r.pause)
	t.Run("retry", r.retry)
	t.Run("option", r.option)
	t.Run("parked", r.parkedRecord)
	t.Run("watch", r.watch)
	t.Run("append", r.append)
	t.Run("keyboard", r.keyboard)
	t.Run("theme", r.theme)
	t.Run("stuck", r.stuck)
	t.Run("lost", r.lost)
}

// within has what t says go to a subtest.
func (r *rig) within(t *testing.T) *rig {
	inner := *r
	inner.t = t
	return &inner
}

// pages clicks through all pages of the module, as the side lists them.
func (r *rig) pages(t *testing.T) {
	r = r.within(t)
	r.parked(Order{ID: "o-90001", Customer: "gus", Item: "vase", Pieces: 0, Cents: 1400})
	r.parked(Order{ID: "o-90002", Customer: "hana", Item: "lamp", Pieces: -1, Cents: 900})
	r.parked(Order{ID: "o-90003", Customer: "iris", Item: "cup", Pieces: 0, Cents: 300})
	r.visit("/")
	r.says("#list", "Shop")
	r.shoot("modules")
	r.do(chromedp.Click(`//main//a[text()="Shop"]`, chromedp.BySearch))
	r.says("h1", "Shop")
	for _, page := range []struct{ link, title, says, shot string }{
		{"Overview", "Shop", "Done per second", "module"},
		{"Plan", "Plan", "reserve", ""},
		{"Topologies", "Topologies", "exactly once", ""},
		{"Event trees", "Event trees", "fulfil", ""},
		{"Parked records", "Parked records", "cannot be reserved", "parked"},
		{"PStates", "PStates", "history", ""},
		{"Depots", "Depots", "orders", ""},
		{"Workers and tasks", "Workers and tasks", "runs", "tasks"},
		{"Options", "Options", "topology.stream.timeout.seconds", "options"},
		{"Audit log", "Audit log", "Nothing was changed yet", ""},
	} {
		r.do(chromedp.Click(`//div[@class="side"]//a[starts-with(normalize-space(), "`+page.link+`")]`, chromedp.BySearch))
		r.says("h1", page.title)
		r.says("main", page.says)
		r.sound(page.link)
		if page.shot != "" {
			r.shoot(page.shot)
		}
	}
	// What was seen: lines between handlers, errors of handlers, trees that are over.
	for seen := false; !seen; {
		r.visit("/m/Shop/plan")
		r.do(chromedp.Evaluate(`document.querySelector(".plan text.seen") !== null`, &seen))
	}
	r.shoot("plan")
	r.visit("/m/Shop/trees")
	r.says("#failing-rows", "cannot be reserved")
	r.says("#recent-trees", "parked")
	r.says("#recent-trees", "done")
	r.shoot("trees")
	r.do(chromedp.Click(`//div[@id="recent-trees"]//tr[contains(., "fulfil")][contains(., "done")]//a`, chromedp.BySearch))
	r.says(".answer", "done at")
	r.says("tbody", "note")
	r.shoot("tree")
	for path, says := range map[string]string{
		"/m/Shop/topologies/fulfil": "Next offset", "/m/Shop/topologies/revenue": "Microbatches applied", "/m/Shop/tasks/2": "What it waits for now",
		"/m/Shop/pstates/reserved": "kettle", "/m/Shop/pstates/history?path=keys": `"ada"`, "/m/Shop/depots/orders": "The newest on top", "/m/Shop/options?topology=fulfil": "Set it",
	} {
		r.visit(path)
		r.says("main", says)
	}
}

// option holds a topology with an option, sees that it begins nothing, and lets it go on.
func (r *rig) option(t *testing.T) {
	r = r.within(t)
	const field = `[id="set-topology.stream.paused"]`
	r.visit("/m/Shop/options?topology=refunds")
	r.do(chromedp.SetValue(field, "true", chromedp.ByQuery), chromedp.Submit(field, chromedp.ByQuery))
	r.says(".flash", "topology.stream.paused is true now.")
	r.says(`[id="topology.stream.paused"]`, "set for topology refunds")
	r.visit("/m/Shop/topologies/refunds")
	r.says("#figures", "paused")
	if _, err := r.shop.Returns.Append(r.ctx, r.cluster.Client(), Return{ID: "o-1"}, module.Wait(module.AckAppend)); err != nil {
		t.Fatal(err)
	}
	r.says("#findings", "is paused, with")
	r.shoot("topology")
	r.do(chromedp.Click(`//button[text()="Resume"]`, chromedp.BySearch))
	r.says(".flash", "It goes on.")
	if _, err := r.shop.Returns.Append(r.ctx, r.cluster.Client(), Return{ID: "o-2"}); err != nil {
		t.Errorf("a topology that was resumed: %v", err)
	}
	r.visit("/m/Shop/audit")
	r.says("tbody", "set an option")
	r.says("tbody", "resumed")
	r.shoot("audit")
}

// pause holds a topology with its button, sees that it begins nothing, and lets it go on.
func (r *rig) pause(t *testing.T) {
	r = r.within(t)
	r.visit("/m/Shop/topologies/refunds")
	r.do(chromedp.Click(`//button[text()="Pause"]`, chromedp.BySearch)) // asked for twice, and meant
	r.says(".flash", "It is paused: it begins no record until it is resumed.")
	r.says("#figures", "paused")
	c := r.cluster.Client()
	if v, err := c.Option(r.ctx, "Shop", client.OptionScope{Topology: "refunds"}, "topology.stream.paused"); err != nil || v.Value != "true" {
		t.Errorf("the option is %+v, %v", v, err)
	}
	if _, err := r.shop.Returns.Append(r.ctx, c, Return{ID: "o-3"}); err == nil || !strings.Contains(err.Error(), "the topology is paused") {
		t.Errorf("a record of a topology that is paused: %v", err)
	}
	r.says("#findings", "is paused, with") // it waits, with what comes meanwhile
	r.do(chromedp.Click(`//button[text()="Resume"]`, chromedp.BySearch))
	r.says(".flash", "It goes on.")
	if _, err := r.shop.Returns.Append(r.ctx, c, Return{ID: "o-4"}); err != nil {
		t.Errorf("a record of a topology that was resumed: %v", err)
	}
	r.says("#figures", "caught up")
}

// retry runs a parked record again as it is: it fails again while nothing has changed, stays
// parked and says so.
func (r *rig) retry(t *testing.T) {
	r = r.within(t)
	r.visit("/m/Shop/parked")
	r.do(chromedp.Click(`//tr[contains(., "o-90001")]//a[text()="Look, edit"]`, chromedp.BySearch))
	r.says(".answer", "0 pieces of vase cannot be reserved")
	r.do(chromedp.Click(`//button[text()="Retry"]`, chromedp.BySearch))
	r.says(".flash.bad", "0 pieces of vase cannot be reserved")
	r.says("#rows", "o-90001")
	// With stock it runs, as it is.
	r.shop.oversell.Store(true)
	r.do(chromedp.Click(`//tr[contains(., "o-90003")]//a[text()="Look, edit"]`, chromedp.BySearch))
	r.do(chromedp.Click(`//button[text()="Retry"]`, chromedp.BySearch))
	r.says(".flash", "it ran, and is done")
	r.shop.oversell.Store(false)
	r.says("#rows", "o-90002")
	o, err := r.shop.History.Key("iris").Key("o-90003").Get(r.cluster.Client().At(r.ctx))
	if err != nil || o.Pieces != 0 {
		t.Errorf("the record that was retried: %+v, %v", o, err)
	}
	r.visit("/m/Shop/audit")
	r.says("tbody", "retried")
}

// parkedRecord mends a record that was parked, and has it run.
func (r *rig) parkedRecord(t *testing.T) {
	r = r.within(t)
	r.visit("/m/Shop/parked")
	r.do(chromedp.Click(`//tr[contains(., "o-90001")]//a[text()="Look, edit"]`, chromedp.BySearch))
	r.says(".answer", "0 pieces of vase cannot be reserved")
	r.shoot("parked-record")
	r.do(chromedp.SetValue("#new", `{"id":"o-90001","customer":"gus","item":"vase","pieces":2,"cents":1400}`, chromedp.ByQuery),
		chromedp.Click(`//button[text()="Save and retry"]`, chromedp.BySearch))
	r.says(".flash", "ran with its new value, and is done")
	o, err := r.shop.History.Key("gus").Key("o-90001").Get(r.cluster.Client().At(r.ctx))
	if err != nil || o.Pieces != 2 {
		t.Errorf("the record that was mended: %+v, %v", o, err)
	}
	r.do(chromedp.Click(`//tr[contains(., "o-90002")]//a[text()="Look, edit"]`, chromedp.BySearch))
	r.says(".answer", "-1 pieces")
	r.do(chromedp.Click(`//button[text()="Skip"]`, chromedp.BySearch)) // asked for twice, and meant
	r.says(".flash", "it is dropped, for good")
	r.says("main", "No record is parked")
}

// watch sees a PState change, live.
func (r *rig) watch(t *testing.T) {
	r = r.within(t)
	r.visit("/m/Shop/pstates/reserved?path=key(%22kettle%22)")
	r.do(chromedp.Click("#watch-start", chromedp.ByQuery))
	r.says("#watch-told", "changes seen")
	r.visit("/m/Shop/pstates/reserved")
	r.do(chromedp.Click("#watch-start", chromedp.ByQuery))
	r.says("#watched", "kettle")
	r.shoot("pstate")
	r.do(chromedp.Click("#watch-start", chromedp.ByQuery))
	r.says("#watch-told", "The watch has ended.")
	r.visit("/m/Shop/pstates/reserved?path=kee")
	r.says(".flash", "kee")
}

// append appends a record with the form, and finds what it did.
func (r *rig) append(t *testing.T) {
	r = r.within(t)
	r.visit("/m/Shop/depots/orders")
	r.says("main", "customer")
	r.shoot("depot")
	r.do(chromedp.SetValue("#data", `{"id":"o-70007","customer":"zoe","item":"rug","pieces":1,"cents":5000}`, chromedp.ByQuery),
		chromedp.Click(`//button[text()="Append"]`, chromedp.BySearch))
	r.says(".flash", "It is appended.")
	r.visit("/m/Shop/pstates/history?path=key(%22zoe%22).keys")
	r.says("tbody", "o-70007")
}

// keyboard gets along without a mouse: the first stop leads past the side, and every stop is seen.
func (r *rig) keyboard(t *testing.T) {
	r = r.within(t)
	r.visit("/m/Shop/tasks")
	var at string
	r.do(chromedp.KeyEvent("\t"), chromedp.Evaluate(`document.activeElement.textContent`, &at))
	if at != "Skip to the content" {
		t.Errorf("the first stop is %q", at)
	}
	r.do(chromedp.KeyEvent("\r"), chromedp.Poll(`document.activeElement.id === "main"`, nil), chromedp.KeyEvent("/"), chromedp.Poll(`document.activeElement.id === "filter"`, nil),
		chromedp.KeyEvent("10000"))
	r.says("#filter-told", "0 of 6")
	for range 40 {
		var stop struct {
			Name    string
			Outline string
		}
		r.do(chromedp.KeyEvent("\t"), chromedp.Evaluate(`({Name: document.activeElement.tagName + " " + document.activeElement.textContent.trim().slice(0, 30), Outline: getComputedStyle(document.activeElement).outlineStyle})`, &stop))
		if stop.Outline == "none" && !strings.HasPrefix(stop.Name, "BODY") {
			t.Errorf("the stop %q is not to be seen", stop.Name)
		}
	}
}

// theme chooses colours, which are kept; and texts stand out from what is behind them.
func (r *rig) theme(t *testing.T) {
	r = r.within(t)
	for _, name := range []string{"Dark", "Light"} {
		r.visit("/m/Shop")
		r.do(chromedp.Click(`//button[text()="`+name+`"]`, chromedp.BySearch))
		r.says(`button[aria-pressed="true"]`, name)
		for _, path := range []string{"/", "/m/Shop", "/m/Shop/tasks", "/m/Shop/options", "/m/Shop/audit", "/m/Shop/topologies/fulfil"} {
			r.visit(path)
			var faint []string
			r.do(chromedp.Evaluate(contrast, &faint))
			for _, f := range faint {
				t.Errorf("%s, %s: %s", path, name, f)
			}
		}
	}
	r.do(chromedp.Click(`//button[text()="Auto"]`, chromedp.BySearch))
	r.says(`button[aria-pressed="true"]`, "Auto")
}

// contrast lists texts that stand out by less than 4.5 to 1 from what is behind them.
const contrast = `(() => {
	const channel = (c) => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
	const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return text.startsWith("color(") ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1]; };
	const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > .99) return c; } return [255, 255, 255, 1]; };
	const faint = new Set();
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility() || e.closest("svg, .hidden, .skip, [hidden]")) continue;
		const style = getComputedStyle(e), a = light(parse(style.color)), b = light(behind(e));
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) faint.add(e.tagName.toLowerCase() + "." + e.className + " " + JSON.stringify(e.textContent.trim().slice(0, 30)) + " stands out by " + ratio.toFixed(2));
	}
	return [...faint];
})()`

// stuck plants a handler that does not return, and finds its name from the list of modules:
// the module says what stands still, the event tree what it waits for.
func (r *rig) stuck(t *testing.T) {
	r = r.within(t)
	// Its pieces are packed on another task than that of its record, which tells of it.
	c := r.cluster.Client()
	asked, err := c.AppendJSON(r.ctx, order0("chloe"))
	if err != nil {
		t.Fatal(err)
	}
	piano := Order{ID: fmt.Sprintf("o-3133%d", (asked.Place.Partition+1)%tasks), Customer: "chloe", Item: "piano", Pieces: 1, Cents: 250_000}
	if _, err := r.shop.Orders.Append(r.ctx, c, piano, module.Wait(module.AckAppend)); err != nil {
		t.Fatal(err)
	}
	r.visit("/")
	r.says(".finding", "does not answer")
	r.says(".finding .waits", "step pack of fulfil")
	r.says(".finding", "stands still")
	r.shoot("stuck")
	r.do(chromedp.Click(`//li[contains(@class, "finding")][contains(., "does not answer")]//a`, chromedp.BySearch))
	r.says("h1", "Record")
	r.says(".answer", "the handler of step pack of fulfil")
	r.says("tbody tr.now", "pack")
	r.says("tbody tr.now", "its handler to return")
	r.shoot("stuck-tree")
	r.visit("/m/Shop/trees")
	r.says("#live-trees", "step pack of fulfil")
	r.visit("/m/Shop/tasks")
	r.says("tbody", "the handler of step pack of fulfil")
	r.visit("/m/Shop")
	r.says("#findings", "step pack of fulfil")
	r.shop.letGo()
	r.says("#findings", "Nothing stands still.")
	if o, err := r.shop.History.Key("chloe").Key(piano.ID).Get(c.At(r.ctx)); err != nil || o != piano {
		t.Errorf("the record that was stuck: %+v, %v", o, err)
	}
}

// lost closes the console while a page of it is looked at, and opens it again: the page says
// that it is not current, and since when, for as long as that is so.
func (r *rig) lost(t *testing.T) {
	r = r.within(t)
	const on, off = `#live[aria-pressed="true"]`, `#live[aria-pressed="false"]`
	r.visit("/m/Shop")
	r.says(on, "Live")
	handler, address := r.server.Config.Handler, r.server.Listener.Addr().String()
	r.server.CloseClientConnections()
	r.server.Close()
	r.says("#lost", "Not current since ")
	r.says("#lost", ": the console does not answer. Trying again.")
	r.says(off, "Live")
	var role string
	r.do(chromedp.Evaluate(`document.getElementById("lost").checkVisibility() ? document.getElementById("lost").getAttribute("role") : "hidden"`, &role))
	if role != "status" {
		t.Errorf("the line is %s, want a status", role)
	}
	ill := r.serve(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Kafka is away", http.StatusServiceUnavailable)
	}))
	r.says("#lost", "the console answers with an error (503). Trying again.")
	ill.CloseClientConnections()
	ill.Close()
	r.serve(address, handler)
	r.says(on, "Live")
	r.do(chromedp.Poll(`document.getElementById("lost").textContent === ""`, nil))
}

// serve serves at an address where something was served before.
func (r *rig) serve(address string, handler http.Handler) *httptest.Server {
	r.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(r.ctx, "tcp", address)
	if err != nil {
		r.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	r.t.Cleanup(server.Close)
	return server
}

// order0 is an order of a customer, of which one wants to know where it goes.
func order0(customer string) client.JSONRecord {
	return client.JSONRecord{Module: "Shop", Depot: "orders", Data: []byte(`{"id":"o-10000","customer":"` + customer + `","item":"bowl","pieces":1,"cents":900}`)}
}
