package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/console"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/telemetry"
)

// rig is a shop with traffic, its console, and a browser that looks at it.
type rig struct {
	t       *testing.T
	shop    *Shop
	cluster *localcluster.Cluster
	server  *httptest.Server
	url     string
	ctx     context.Context // of the browser's tab
	faults  chan string     // what the browser complained of
}

// tasks of the shop, on two workers.
const tasks = 6

// testTimeout bounds the whole: a page that never comes is to fail, not to hang.
const testTimeout = 4 * time.Minute

func newRig(t *testing.T) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	cluster, err := localcluster.Start(ctx, localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	shop := &Shop{release: make(chan struct{})}
	t.Cleanup(shop.letGo)
	if err := cluster.Launch(ctx, shop, localcluster.LaunchConfig{Tasks: tasks, Workers: 2, Options: runtime.Options{RetryBackoff: 50 * time.Millisecond}, Trees: telemetry.TreesConfig{Every: 25}}); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Launch(ctx, &Letters{}, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	look := overview.New(overview.Config{Cluster: cluster.Client(), Period: 500 * time.Millisecond})
	handler, err := console.New(console.Config{Client: cluster.Client(), Overview: look})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	// Two things go on until the test ends: the traffic, and the looks that make courses.
	beside(t, ctx, func(ctx context.Context) { traffic(ctx, shop, cluster.Client()) })
	beside(t, ctx, look.Watch)
	r := &rig{t: t, shop: shop, cluster: cluster, server: server, url: server.URL, faults: make(chan string, 100)}
	r.open(ctx)
	return r
}

// beside runs something until the test ends.
func beside(t *testing.T, ctx context.Context, do func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// chromium is the browser's program.
func chromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"}
	if path := os.Getenv("COPPICE_CHROMIUM"); path != "" {
		names = []string{path}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("no browser: none of %s is here. Install one (apt-get install chromium), or name it in COPPICE_CHROMIUM", strings.Join(names, ", "))
	return ""
}

// open opens a tab. What the page's script throws, and what its policy refuses, are faults.
func (r *rig) open(ctx context.Context) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(r.t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("font-render-hinting", "none"), chromedp.UserDataDir(r.t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	r.t.Cleanup(cancel)
	if r.ctx, cancel = chromedp.NewContext(ctx); r.ctx == nil {
		r.t.Fatal("no tab")
	}
	r.t.Cleanup(cancel)
	chromedp.ListenTarget(r.ctx, func(event any) {
		switch e := event.(type) {
		case *cdpruntime.EventExceptionThrown:
			r.fault("the script threw: " + e.ExceptionDetails.Error())
		case *cdpruntime.EventConsoleAPICalled:
			if e.Type == cdpruntime.APITypeError {
				r.fault(fmt.Sprintf("the page complains: %s", e.Args[0].Value))
			}
		case *page.EventJavascriptDialogOpening:
			go func() { _ = chromedp.Run(r.ctx, page.HandleJavaScriptDialog(true)) }() // the test means it
		}
	})
	r.do(chromedp.EmulateViewport(1360, 860, chromedp.EmulateScale(1)))
}

func (r *rig) fault(text string) {
	select {
	case r.faults <- text:
	default: // there are enough of them
	}
}

// do has the browser do things.
func (r *rig) do(actions ...chromedp.Action) {
	r.t.Helper()
	if err := chromedp.Run(r.ctx, actions...); err != nil {
		var body string
		_ = chromedp.Run(r.ctx, chromedp.Text("body", &body, chromedp.ByQuery))
		r.t.Fatalf("%v; the page says\n%s", err, body)
	}
}

// visit opens a page, and checks that it is one.
func (r *rig) visit(path string) {
	r.t.Helper()
	response, err := chromedp.RunResponse(r.ctx, chromedp.Navigate(r.url+path))
	if err != nil {
		r.t.Fatalf("%s: %v", path, err)
	}
	if response.Status != 200 {
		r.t.Fatalf("%s: status %d", path, response.Status)
	}
	r.do(chromedp.WaitVisible("main", chromedp.ByQuery))
	r.sound(path)
}

// sound fails the test if the page does not.
func (r *rig) sound(path string) {
	r.t.Helper()
	var wide bool
	r.do(chromedp.Evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth + 1`, &wide))
	if wide {
		r.t.Errorf("%s is wider than its window", path)
	}
	select {
	case fault := <-r.faults:
		r.t.Errorf("%s: %s", path, fault)
	default:
	}
}

// says waits until a part of the page holds a text.
func (r *rig) says(selector, text string) {
	r.t.Helper()
	deadline := time.Now().Add(saysTimeout)
	for {
		err := chromedp.Run(r.ctx, chromedp.PollFunction(`(selector, text) => [...document.querySelectorAll(selector)].some((e) => e.textContent.replace(/\s+/g, " ").includes(text))`, nil,
			chromedp.WithPollingArgs(selector, text), chromedp.WithPollingInterval(100*time.Millisecond), chromedp.WithPollingTimeout(time.Until(deadline))))
		if err == nil {
			return
		}
		// A page that goes away takes the question along: the next one is asked.
		if time.Now().Before(deadline) && !errors.Is(err, chromedp.ErrPollingTimeout) && r.ctx.Err() == nil {
			continue
		}
		var body string
		_ = chromedp.Run(r.ctx, chromedp.Text("body", &body, chromedp.ByQuery))
		r.t.Fatalf("nothing at %s says %q (%v); the page says\n%s", selector, text, err, body)
	}
}

// saysTimeout bounds how long a page has for saying something.
const saysTimeout = 40 * time.Second

// shots are the pictures for the documentation, if they are asked for.
var shots = os.Getenv("COPPICE_SHOTS")

// shoot takes pictures of the page as it is, light and dark.
func (r *rig) shoot(name string) {
	r.t.Helper()
	if shots == "" {
		return
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		r.t.Fatal(err)
	}
	r.do(chromedp.Evaluate(`window.scrollTo(0, 0)`, nil))
	for _, colours := range []string{"light", "dark"} {
		var picture []byte
		r.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}}), chromedp.CaptureScreenshot(&picture))
		if err := os.WriteFile(filepath.Join(shots, name+"-"+colours+".png"), picture, 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
}

// parked appends an order that cannot be reserved, and waits until it is parked.
func (r *rig) parked(o Order) {
	r.t.Helper()
	if _, err := r.shop.Orders.Append(r.ctx, r.cluster.Client(), o); !errors.Is(err, client.ErrFailed) {
		r.t.Fatalf("an order of no pieces: %v", err)
	}
}
