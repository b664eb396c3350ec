package cli

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
)

// Records are appended without the module's code: a worker finds the partition and the
// stored form; what the streams did is waited for.
func TestAppendFromTheCommandLine(t *testing.T) {
	t.Parallel()
	m, c, run := remoteCluster(t)
	code, out, errs := run("append", "orders", "orders", `"tea"`, `"tea"`, `"milk"`)
	said(t, code, out, errs, "offset 0: {}")
	if n, err := m.Counts.Key("tea").Get(c.Client().At(t.Context())); n != 2 || err != nil {
		t.Errorf("tea counted %d times: %v", n, err)
	}
	code, out, errs = run("append", "orders", "orders", `"tea"`, "--json")
	said(t, code, out, errs)
	var appended client.Appended
	if err := json.Unmarshal([]byte(out), &struct{ Place *client.Place }{&appended.Place}); err != nil || appended.Place.Offset != 2 || appended.Place.Depot != "orders" {
		t.Errorf("%v: %s", err, out)
	}
	for _, wrong := range [][]string{
		{"append", "orders", "orders", `7`, "it is no string"},
		{"append", "orders", "orders", `tea`, "no JSON"},
		{"append", "orders", "sales", `"tea"`, "unknown depot; module orders has orders"},
		{"append", "orders", "orders", `"tea"`, "--partition", "2", "it has 0 to 1"},
		{"append", "orders", "orders", `"tea"`, "--key", "7", "keys of the depot are text"},
		{"append", "orders", "orders", `"tea"`, "--key", "tea", "a text is in quotes"},
		{"append", "orders", "orders", `"tea"`, "--level", "all", "want ack"},
		{"append", "orders", "orders", "dGVh", "--stored", "give a key or a partition"},
		{"append", "orders", "orders", `"bad"`, "not a number"},
		{"query", "orders", "top", "unknown query: the module has no queries"},
		{"query", "orders", "top", "tea", "a text is in quotes"},
		{"pause", "orders", "counts", "it has count"},
		{"progress", "orders", "--topology", "counts", "it has count"},
		{"select", "orders", "counts", `key(7)`, "put it in quotes"},
		{"select", "orders", "counts", "vals.field(\"x\")", "does not lead on from a value int64"},
		{"select", "orders", "stock", "unknown PState; it has counts"},
		{"watch", "orders", "counts", "vals", "--task", "2", "unknown task; it has 0 to 1"},
	} {
		args, want := wrong[:len(wrong)-1], wrong[len(wrong)-1]
		if code, _, errs := run(args...); code != exitError || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d, error %q, want %q", args, code, errs, want)
		}
	}
	code, out, errs = run("append", "orders", "orders", "dGVh", "--stored", "--partition", "1")
	said(t, code, out, errs, "partition 1, offset")
	if parts := strings.Count(out, "\n"); parts != 1 {
		t.Errorf("printed %q", out)
	}
}

// What a module keeps is read, counted and watched without its code.
func TestSelectAndWatchFromTheCommandLine(t *testing.T) {
	t.Parallel()
	m, c, run := remoteCluster(t)
	for _, v := range []string{"a", "b", "b", "c"} {
		if _, err := m.Orders.Append(t.Context(), c.Client(), v); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := run("select", "orders", "counts", `key("b")`)
	said(t, code, out, errs)
	if out != "2\n" {
		t.Errorf("printed %q", out)
	}
	code, out, errs = run("select", "orders", "counts", "entries.filter(field(\"value\") > 1)", "--json")
	said(t, code, out, errs, `"values":[{"key":"b","value":2}]`, `"commit":"`)
	code, out, errs = run("select", "orders", "counts", "keys", "--limit", "1")
	said(t, code, out, errs)
	if strings.Count(out, "\n") != 1 {
		t.Errorf("printed %q", out)
	}
	code, out, errs = run("progress", "orders")
	said(t, code, out, errs, "count     orders  orders  0", "count     orders  orders  1")
	code, out, errs = run("watch", "orders", "counts", `key("b")`, "--changes", "1")
	said(t, code, out, errs)
	if out != "+ 2\n" {
		t.Errorf("printed %q", out)
	}
}

// Changes are printed as they come.
func TestWatchPrintsChanges(t *testing.T) {
	t.Parallel()
	m, c, _ := remoteCluster(t)
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for change, err := range c.Client().WatchSelection(ctx, client.Selection{Module: "orders", PState: "counts", Path: "entries"}, client.WatchOptions{}) {
			if err == nil {
				err = printChange(write, &change, false)
			}
			if err == nil && len(change.Added) == 0 && len(change.Removed) == 0 {
				_, err = write.Write([]byte("nothing\n"))
			}
			if err != nil {
				_ = write.CloseWithError(err)
				return
			}
		}
	}()
	line := func(want string) {
		t.Helper()
		got := make([]byte, len(want)+1)
		if _, err := io.ReadFull(read, got); err != nil || string(got) != want+"\n" {
			t.Fatalf("printed %q, %v; want %q", got, err, want)
		}
	}
	line("nothing")
	for _, want := range [][]string{{`+ {"key":"x","value":1}`}, {`- {"key":"x","value":1}`, `+ {"key":"x","value":2}`}} {
		if _, err := m.Orders.Append(t.Context(), c.Client(), "x"); err != nil {
			t.Fatal(err)
		}
		for _, l := range want {
			line(l)
		}
	}
	cancel()
	if _, err := io.ReadAll(read); err == nil {
		t.Error("the watch went on")
	}
}

// A topology that is paused begins nothing, says so to who waits, and goes on.
func TestPauseFromTheCommandLine(t *testing.T) {
	t.Parallel()
	_, _, run := remoteCluster(t)
	code, out, errs := run("pause", "orders", "count")
	said(t, code, out, errs, "topology count of orders: paused")
	for {
		code, _, errs = run("append", "orders", "orders", `"x"`)
		if code == exitOK {
			continue // the workers have not heard of it yet
		}
		if !strings.Contains(errs, "the topology is paused") {
			t.Errorf("exit code %d, error %q", code, errs)
		}
		break
	}
	code, out, errs = run("resume", "orders", "count", "--json")
	said(t, code, out, errs, `"state": "runs"`)
	for code = exitError; code != exitOK; {
		code, _, errs = run("append", "orders", "orders", `"y"`)
		if code != exitOK && !strings.Contains(errs, "the topology is paused") {
			t.Fatalf("exit code %d, error %q", code, errs)
		}
	}
}

// Who uses a command wrongly is told how it is used.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range [][]string{
		{"select", "Shop", "it is used as 'coppice select MODULE PSTATE [PATH] [flags]'"},
		{"pause", "it is used as 'coppice pause MODULE TOPOLOGY [flags]'"},
		{"select", "Shop", "sold", "--limt", "3", "'coppice select --help' lists the flags"},
		{"selct", "Did you mean this?"},
	} {
		args, want := test[:len(test)-1], test[len(test)-1]
		if code, _, errs := coppice(t.Context(), args...); code != exitError || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d, error %q, want %q", args, code, errs, want)
		}
	}
}

// Shells complete commands, modules, and what modules have.
func TestCompletion(t *testing.T) {
	t.Parallel()
	_, _, run := remoteCluster(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, out, errs := coppice(t.Context(), "completion", shell)
		said(t, code, out, errs, "coppice")
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"select", ""}, "orders\n"},
		{[]string{"select", "orders", ""}, "counts\n"},
		{[]string{"append", "orders", ""}, "orders\n"},
		{[]string{"pause", "orders", ""}, "count\n"},
		{[]string{"options", "set", "orders", ""}, "store.durability\t"},
	} {
		code, out, _ := run(append([]string{"__complete"}, test.args...)...)
		if code != exitOK || !strings.Contains(out, test.want) {
			t.Errorf("%q: exit code %d, offered %q, want %q", test.args, code, out, test.want)
		}
	}
}

// The page is written from the code, and is current.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "reference", "cli.md")
	want := Reference()
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
		t.Error("docs/reference/cli.md is not what the code says: COPPICE_UPDATE=1 go test ./internal/cli -run Reference")
	}
}

// coppice serve answers until it is interrupted.
func TestServe(t *testing.T) {
	t.Parallel()
	_, c, _ := remoteCluster(t)
	api, err := httpapi.New(httpapi.Config{Client: c.Client()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveUntil(ctx, listener, &http.Server{Handler: api, ReadHeaderTimeout: time.Minute}) }()
	ask := func(path string) *http.Response {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		a, err := transport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.Body.Close() })
		return a
	}
	a := ask("/v1/modules")
	if raw, err := io.ReadAll(a.Body); err != nil || !strings.Contains(string(raw), `"name":"orders"`) {
		t.Errorf("%s, %v", raw, err)
	}
	watched := ask("/v1/modules/orders/pstates/counts/watch")
	stop()
	if _, err := io.ReadAll(watched.Body); err != nil {
		t.Errorf("the watch did not end in good order: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
