package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot/memdepot"
	"github.com/coppice-run/coppice/examples/service"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// What the dashboard and the alerts go by is at /metrics of the service that the profile core of
// docker-compose.yml runs.
func TestPrometheusFindsTheMetrics(t *testing.T) {
	wires, err := start(t.Context(), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- service.Run(ctx, service.Config{
			Log: memdepot.New(nil), Store: memstore.New(), Network: memtransport.New(), Nominations: nomination.Alone{},
			Listener: listener, Tasks: 2, Telemetry: telemetryOf(wires), Logger: slog.New(slog.DiscardHandler),
		})
	}()
	ask := func(method, path, body string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+listener.Addr().String()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s %s, %v", method, path, answer.Status, text, err)
		}
		return string(text)
	}
	ask("POST", "/sentences", "to be or not to be")
	text := ask("GET", "/metrics", "")
	for _, name := range telemetry.PrometheusNames() {
		// One is there only while a handler runs for long.
		if name != "coppice_handler_running_seconds" && !strings.Contains(text, "\n"+name+"{") {
			t.Errorf("/metrics has no %s", name)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the service ended with %v", err)
	}
	if err := wires.Stop(context.WithoutCancel(ctx)); err != nil {
		t.Error(err)
	}
}
