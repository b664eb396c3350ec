package deploy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/telemetry"
)

var metricName = regexp.MustCompile(`\bcoppice_[a-z_]+`)

// labels are what metrics are told apart by; they look like metrics.
var labels = []string{"coppice_module", "coppice_task", "coppice_topology", "coppice_source", "coppice_depot", "coppice_step", "coppice_ending"}

// known reports the metrics in an expression that there are not, and returns the others.
func known(t *testing.T, where, expression string) (used []string) {
	t.Helper()
	have := telemetry.PrometheusNames()
	for _, name := range metricName.FindAllString(expression, -1) {
		switch {
		case slices.Contains(labels, name):
		case slices.Contains(have, name):
			used = append(used, name)
		default:
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
	return used
}

// Every metric that the dashboard names is one that there is.
func TestTheDashboardShowsMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("grafana/coppice.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title  string
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Query string }
		}
	}
	if err := json.Unmarshal(raw, &dashboard); err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			used := known(t, "panel "+p.Title, target.Expr)
			if len(used) == 0 {
				t.Errorf("panel %q names no metric in %q", p.Title, target.Expr)
			}
			for _, name := range used {
				shown[name] = true
			}
		}
	}
	for _, v := range dashboard.Templating.List {
		known(t, "a variable", v.Query)
	}
	for _, name := range []string{"coppice_source_lag", "coppice_handler_running_seconds", "coppice_commit_duration_seconds_bucket", "coppice_records_in_flight", "coppice_regressions_total"} {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// Every alert goes by metrics that there are, and the runbook says what to do about it.
func TestAlerts(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile("prometheus/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	alert, alerts := "", 0
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "- alert: "); ok {
			alert = name
			alerts++
			if !strings.Contains(string(runbook), "\n## "+alert+"\n") {
				t.Errorf("the runbook says nothing of %s", alert)
			}
			if !strings.Contains(string(cases), "alertname: "+alert+"\n        exp_alerts:\n          - exp_labels:") {
				t.Errorf("alerts_test.yml has no series at which %s fires", alert)
			}
		}
		if expression, ok := strings.CutPrefix(line, "expr: "); ok && len(known(t, alert, expression)) == 0 {
			t.Errorf("%s goes by no metric: %s", alert, expression)
		}
	}
	if alerts == 0 {
		t.Error("there are no alerts")
	}
	for line := range strings.Lines(string(runbook)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "## Coppice"); ok && !strings.Contains(string(raw), "- alert: Coppice"+name+"\n") {
			t.Errorf("the runbook speaks of Coppice%s, which is no alert", name)
		}
	}
}
