package export_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/console"
	"github.com/coppice-run/coppice/internal/blocking"
	"github.com/coppice-run/coppice/internal/cli"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/telemetry/export"
)

// From a record that sticks to the name of what it sticks in: the console, the command line
// and the metrics each name the handler that does not return, and the first two the record
// that it runs for. When it returns, none does any more.
func TestAStuckRecordIsNamedInConsoleCommandLineAndMetrics(t *testing.T) {
	t.Parallel()
	m := blocking.New("Blocking")
	done := make(chan struct{})
	r := start(t, export.Config{}, false, &runtime.Listener{RecordDone: func(runtime.RecordInfo) { close(done) }}, m)
	t.Cleanup(m.LetGo)
	appended, err := r.client.AppendJSON(t.Context(), client.JSONRecord{Module: "Blocking", Depot: "lines", Data: []byte(`"one"`), Level: module.AckAppend})
	if err != nil {
		t.Fatal(err)
	}
	<-m.Entered()
	partition := fmt.Sprint(appended.Place.Partition)
	record, handler := "lines/"+partition+"@0", "step slow of stuck"

	text := r.scrape()
	if !has(text, "coppice_handler_running_seconds{", `coppice_module="Blocking"`, `coppice_step="slow"`, `coppice_topology="stuck"`) {
		t.Errorf("the metrics name no handler:\n%s", text)
	}
	if !has(text, "coppice_task_silent{", "} 1") || !has(text, "coppice_task_silent{", "} 0") {
		t.Errorf("one of three tasks is silent, and the metrics do not tell:\n%s", text)
	}

	for _, args := range [][]string{{"tree", "lines", partition, "0"}, {"trees", "Blocking"}, {"top", "Blocking", "--looks", "1"}} {
		out := r.command(args...)
		if !strings.Contains(out, handler) || args[0] != "top" && !strings.Contains(out, record) {
			t.Errorf("coppice %s does not name %s and %s:\n%s", strings.Join(args, " "), handler, record, out)
		}
	}

	pages, err := console.New(console.Config{Client: r.client})
	if err != nil {
		t.Fatal(err)
	}
	tree := "/depots/lines/records/" + partition + "/0/trees"
	for _, path := range []string{"/", "/m/Blocking", "/m/Blocking/tasks", "/m/Blocking/trees", "/m/Blocking/trees/lines/" + partition + "/0", "/v1/modules/Blocking" + tree} {
		if out := page(t, pages, path); !strings.Contains(out, handler) && !strings.Contains(out, `"step":"slow"`) {
			t.Errorf("%s does not name %s:\n%s", path, handler, out)
		}
	}
	m.LetGo()
	<-done
	if text := r.scrape(); strings.Contains(text, "\ncoppice_handler_running_seconds{") || has(text, "coppice_task_silent{", "} 1") {
		t.Errorf("the handler has returned, and the metrics name it:\n%s", text)
	}
}

// scrape is what Prometheus gets.
func (r *rig) scrape() string {
	r.t.Helper()
	return page(r.t, r.telemetry.Handler(), "/metrics")
}

func page(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
	if answer.Code != http.StatusOK {
		t.Errorf("%s: %d", path, answer.Code)
	}
	return answer.Body.String()
}

// command runs the command line on the rig's servers.
func (r *rig) command(args ...string) string {
	r.t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Main(append(args, "--kafka", r.kafka, "--redis", r.redis), &out, &errs); code != 0 {
		r.t.Errorf("coppice %s: exit %d\n%s", strings.Join(args, " "), code, &errs)
	}
	return out.String()
}
