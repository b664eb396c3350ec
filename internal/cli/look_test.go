package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/task"
)

// A look shows each topology, and what is to be known.
func TestTop(t *testing.T) {
	t.Parallel()
	m, c, run := remoteCluster(t)
	if _, err := m.Orders.Append(t.Context(), c.Client(), "bad"); !errors.Is(err, client.ErrFailed) {
		t.Fatal(err)
	}
	code, out, errs := run("top", "--looks", "1")
	said(t, code, out, errs, "orders  count", "1 record is parked", "waits for somebody to retry, edit or skip")
	code, out, errs = run("top", "orders", "--looks", "1")
	said(t, code, out, errs, "of 2 tasks have something to do")
	code, out, errs = run("top", "orders", "--looks", "1", "--json")
	said(t, code, out, errs)
	var look struct {
		Name   string
		Parked int
	}
	if err := json.Unmarshal([]byte(out), &look); err != nil || look.Parked != 1 || look.Name != "orders" {
		t.Errorf("%v: %s", err, out)
	}
	for want, wrong := range map[string][]string{
		"there are orders": {"top", "nothing", "--looks", "1"}, "--looks -1": {"top", "--looks", "-1"}, "--period is 0s": {"top", "--period", "0s"},
		"it may be unread": {"trees", "orders", "--state", "sleeping"}, "--limit -3": {"trees", "orders", "--limit", "-3"},
		"comes behind --": {"options", "set", "orders", "topology.stream.timeout.seconds", "-5"},
	} {
		if code, _, errs := run(wrong...); code != exitError || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %q, want %q", wrong, code, errs, want)
		}
	}
}

// flaky is a town of a thousand tasks whose servers are away at every second look.
type flaky struct {
	overview.Cluster
	looks  int
	cancel func() // at the last look
}

var errAway = errors.New("the servers are \x1b[2Jaway")

func (c *flaky) Modules(context.Context) ([]client.ModuleInfo, error) {
	if c.looks++; c.looks == 4 {
		c.cancel()
	}
	if c.looks%2 == 0 {
		return nil, errAway
	}
	return nil, nil
}

// Who looks on while the servers are away is told so, and sees them when they are back; a first
// look that fails is an error.
func TestTopOutlivesServersThatAreAway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out strings.Builder
	c := &flaky{cancel: cancel}
	look := overview.New(overview.Config{Cluster: c, Period: time.Nanosecond})
	if err := (&top{look: look, out: &out}).run(ctx, time.Millisecond, 0); !errors.Is(err, errAway) {
		t.Errorf("it ended with %v, want the error of the look at which it was interrupted", err)
	}
	if text := out.String(); strings.Count(text, "no module runs") != 2 || strings.Count(text, `tried again: the servers are \x1b[2Jaway`) != 1 {
		t.Errorf("it printed\n%q", text)
	}
	c.looks = 1
	if err := (&top{look: overview.New(overview.Config{Cluster: c, Period: time.Nanosecond}), out: io.Discard}).run(t.Context(), time.Millisecond, 0); !errors.Is(err, errAway) {
		t.Errorf("a first look that fails: %v", err)
	}
}

// Of many busy tasks some are shown, and all are counted.
func TestTopCountsAllBusyTasks(t *testing.T) {
	t.Parallel()
	m := &overview.Module{Name: "m", Tasks: make([]overview.Task, 1000)}
	for i := range m.Tasks {
		m.Tasks[i] = overview.Task{Task: task.ID(i), State: overview.TaskRuns, Status: &overview.Status{Queued: i % 2}}
	}
	m.Tasks[7] = overview.Task{Task: 7, State: overview.TaskNoOwner}
	s := tasksOf(m, 0, true)
	if s.head[0] != "500 of 1000 tasks have something to do; the worst and busiest 20 are" || len(s.items) != 20 || !strings.Contains(s.items[0][0], "no owner") {
		t.Errorf("it shows %q\n%q", s.head, s.items)
	}
}

// Values and errors are what somebody has appended: they do not steer the terminal, and each
// stays in its line.
func TestTextsDoNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	rows := [][]string{{"one", "a\x1b[2J\x1b]0;owned\a\nb\tc\rd\u202e\u009b1m"}, {"two", "ä → 🌳 \xff"}}
	if err := table(&out, "NAME TEXT", rows); err != nil {
		t.Fatal(err)
	}
	want := "NAME  TEXT\none   a\\x1b[2J\\x1b]0;owned\\a\\nb\\tc\\rd\\u202e\\u009b1m\ntwo   ä → 🌳 \ufffd\n"
	if out.String() != want {
		t.Errorf("printed %q\nwant    %q", out.String(), want)
	}
	out.Reset()
	tree := eventtree.Tree{State: eventtree.Parked, Error: "\x1b[31mred", Events: []eventtree.Event{{ID: 1, Step: "s", State: eventtree.Failed, Error: "\x1b[31mred"}}}
	if err := printTrees(&out, []eventtree.Tree{tree}, time.Now()); err != nil || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%v: printed %q", err, out.String())
	}
}

// The doctor says of each thing how it is; what is broken ends it with an error.
func TestDoctor(t *testing.T) {
	t.Parallel()
	_, _, run := remoteCluster(t)
	code, out, _ := run("doctor")
	for _, want := range []string{"kafka at", "redis at", "topic coppice.orders.orders", "module orders", "broken,"} {
		if !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in\n%s", code, want, out)
		}
	}
	_, out, _ = run("doctor", "--json")
	var report struct{ Findings []finding }
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Findings) < 4 {
		t.Errorf("%v: %s", err, out)
	}
	for _, f := range report.Findings {
		if f.Level != fine && f.Mend == "" {
			t.Errorf("no mend for %+v", f)
		}
	}
	code, out, errs := coppice(t.Context(), "doctor", "--kafka", "127.0.0.1:1", "--redis", "127.0.0.1:1")
	if code != exitError || !strings.Contains(errs, "something is broken") || strings.Count(out, "broken ") < 2 {
		t.Errorf("exit code %d, %q\n%s", code, errs, out)
	}
}

// What servers and topics tell is judged: each fault by its own words.
func TestJudgements(t *testing.T) {
	t.Parallel()
	good := redisstate.Facts{Address: "r:1", Version: "7.2", Policy: "noeviction", UsedBytes: 10, MaxBytes: 100, Replicas: 1, AppendOnly: true}
	for want, change := range map[string]func(*redisstate.Facts){
		"version 7.2":               func(*redisstate.Facts) {},
		"maxmemory-policy is lru":   func(s *redisstate.Facts) { s.Policy = "lru" },
		"no maxmemory":              func(s *redisstate.Facts) { s.MaxBytes = 0 },
		"90 % of its memory":        func(s *redisstate.Facts) { s.UsedBytes = 90 },
		"writes nothing to disk":    func(s *redisstate.Facts) { s.AppendOnly, s.Replicas = false, 0 },
		"its clock is -2s off this": func(s *redisstate.Facts) { s.ClockAheadMillis = -2000 },
		"refused":                   func(s *redisstate.Facts) { s.Error = "refused" },
		"looked at: its clock":      func(s *redisstate.Facts) { s.UnseenClock = "NOPERM" },
		"makes snapshots":           func(s *redisstate.Facts) { s.AppendOnly, s.Replicas, s.UnseenSaves = false, 0, "NOPERM" },
		"1 replica, a round trip":   func(s *redisstate.Facts) { s.UnseenSaves = "NOPERM" }, // what does not matter is not asked for
	} {
		s, f := good, findings{}
		change(&s)
		judgeRedis(&f, &s)
		if len(f) != 1 || !strings.Contains(f[0].What, want) || (f[0].Level != fine) != (f[0].Mend != "") {
			t.Errorf("want %q, found %+v", want, f)
		}
	}
	for want, change := range map[string]func(*kafkadepot.TopicFacts){
		"4 partitions, 3 replicas":     func(*kafkadepot.TopicFacts) {},
		"1 partition without a leader": func(t *kafkadepot.TopicFacts) { t.Leaderless = 1 },
		"2 of 3 replicas in sync":      func(t *kafkadepot.TopicFacts) { t.InSync = 2 },
		"one replica":                  func(t *kafkadepot.TopicFacts) { t.Replicas, t.InSync = 1, 1 },
		"it is compacted":              func(t *kafkadepot.TopicFacts) { t.Config["cleanup.policy"] = "compact" },
		"time of its producers":        func(t *kafkadepot.TopicFacts) { t.Config["message.timestamp.type"] = "CreateTime" },
		"unclean leader election":      func(t *kafkadepot.TopicFacts) { t.Config["unclean.leader.election.enable"] = "true" },
		"acknowledged by one broker":   func(t *kafkadepot.TopicFacts) { t.Config["min.insync.replicas"] = "1" },
		"looked at: no leader":         func(t *kafkadepot.TopicFacts) { t.Unseen = "no leader" },
		"whether it is compacted":      func(t *kafkadepot.TopicFacts) { t.UnseenConfig = "not authorized" },
		"deleted in time":              func(t *kafkadepot.TopicFacts) { t.Depot = "__meta"; t.Config["cleanup.policy"] = "delete" },
	} {
		one, f := kafkadepot.TopicFacts{Name: "t", Module: "m", Depot: "d", Partitions: 4, Replicas: 3, InSync: 3, Config: map[string]string{}}, findings{}
		change(&one)
		judgeTopic(&f, &one, 3)
		if len(f) != 1 || !strings.Contains(f[0].What, want) || (f[0].Level != fine) != (f[0].Mend != "") {
			t.Errorf("want %q, found %+v", want, f)
		}
	}
}

// planted are secrets in the forms in which they come into texts.
var planted = []string{"hunter2-planted", "s3cr3t-planted", "tok-planted-123456", "AKIAIOSFODNN7PLANTED", "ghp_plantedplanted01", "eyJhbGciOiJI.eyJzdWIiOiIx.plantedsig", "cGxhbnRlZA"}

// A dump holds what one needs to help, no record and no secret: neither of those that stand
// in why records failed, in options or in addresses.
func TestSupportDumpHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	m, c, run := remoteCluster(t)
	reason := "bad: postgres://admin:hunter2-planted@db/x password=s3cr3t-planted Authorization: Bearer tok-planted-123456 key AKIAIOSFODNN7PLANTED ghp_plantedplanted01 eyJhbGciOiJI.eyJzdWIiOiIx.plantedsig\n-----BEGIN RSA PRIVATE KEY-----\ncGxhbnRlZA\n-----END RSA PRIVATE KEY-----"
	if _, err := m.Orders.Append(t.Context(), c.Client(), reason); !errors.Is(err, client.ErrFailed) {
		t.Fatal(err)
	}
	if err := c.Client().NoteAudit(t.Context(), "orders", client.AuditEntry{Who: "ann", Did: "editParked", Subject: "orders/count/orders/0/0", After: "hunter2-planted", Error: reason}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dump.tar.gz")
	code, out, errs := run("support-dump", "--output", file)
	said(t, code, out, errs, "files")
	all := unpacked(t, file)
	for _, name := range []string{"about.json", "doctor.json", "modules.json", "modules/orders/plan.json", "modules/orders/overview.json", "modules/orders/options.json", "modules/orders/audit.json", "modules/orders/parked.json"} {
		if raw := all["coppice-dump/"+name]; !json.Valid(raw) {
			t.Errorf("%s is no JSON: %s", name, raw)
		}
	}
	for name, raw := range all {
		for _, secret := range planted {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s holds %q:\n%s", name, secret, raw)
			}
		}
	}
	if parked := string(all["coppice-dump/modules/orders/parked.json"]); !strings.Contains(parked, "masked text") || !strings.Contains(parked, "valueBytes") {
		t.Errorf("of what is parked it says %s", parked)
	}
	if code, _, errs := run("support-dump", "--output", file); code != exitError || !strings.Contains(errs, "exists") {
		t.Errorf("an archive that exists: exit code %d, %q", code, errs)
	}
	// It is said before anything is looked at, and nothing is left of a dump that is broken off.
	if code, _, errs := coppice(t.Context(), "support-dump", "--output", file, "--kafka", "127.0.0.1:1", "--redis", "127.0.0.1:1"); code != exitError || !strings.Contains(errs, "exists") {
		t.Errorf("an archive that exists, and no servers: exit code %d, %q", code, errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, _ := coppice(ctx, "support-dump", "--output", file+".2", "--kafka", "127.0.0.1:1", "--redis", "127.0.0.1:1"); code != exitInterrupted {
		t.Errorf("an interrupted dump: exit code %d", code)
	}
	if _, err := os.Stat(file + ".2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an interrupted dump leaves its file: %v", err)
	}
}

// What commands change stands in the audit log, with what failed.
func TestCommandsAreNoted(t *testing.T) {
	t.Parallel()
	_, c, run := remoteCluster(t)
	for _, args := range [][]string{
		{"options", "set", "orders", "topology.stream.timeout.seconds", "7", "--topology", "count"}, {"options", "unset", "orders", "topology.stream.timeout.seconds", "--topology", "count"},
		{"pause", "orders", "count"}, {"resume", "orders", "count"}, {"parked", "skip", "orders/count/orders/0/9"},
	} {
		run(args...)
	}
	all, err := c.Client().Audit(t.Context(), "orders")
	if err != nil || len(all) != 5 {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	for i, want := range []string{"skipParked", "resumeTopology", "pauseTopology", "unsetOption", "setOption"} {
		if e := all[i]; e.Did != want || e.Through != "cli" || !strings.Contains(e.Who, "@") || (e.Error != "") != (want == "skipParked") || e.Time.IsZero() {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if e := all[4]; e.Before != "30" || e.After != "7" || e.Subject != "topology.stream.timeout.seconds of topology count" {
		t.Errorf("%+v", e)
	}
}

// Each form of a secret is blotted out, and what is around it stays.
func TestBlotted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`redis://user:hunter2-planted@host:6379/0`:       `redis://` + blot + `@host:6379/0`,
		`{"password": "hunter2-planted", "port": 1}`:     `{"password": "` + blot + `", "port": 1}`,
		`{"error":"api_key=\"hunter2-planted\" wrong"}`:  `{"error":"api_key=\"` + blot + `\" wrong"}`,
		`dial: Authorization: Basic cGxhbnRlZA==; x`:     `dial: Authorization: Basic ` + blot + `; x`,
		`sasl.jaas.config=hunter2-planted`:               `sasl.jaas.config=` + blot,
		`redis://:hunter2@planted@host:6379/0`:           `redis://` + blot + `@host:6379/0`,
		`{"password":"hunter2 \"planted\", two", "n":1}`: `{"password":"` + blot + `", "n":1}`,
		`"secret=\"hunter2, planted\" wrong"`:            `"secret=\"` + blot + `\" wrong"`,
		`{"error":"bad token:", "next":"x"}`:             `{"error":"bad token:", "next":"x"}`,
		`{"a":"{\"password\":\"hunter2 x\"}"}`:           `{"a":"{\"password\":\"` + blot + `\"}"}`,
		`{"cut":"-----BEGIN EC PRIVATE KEY-----\nMII"}`:  `{"cut":"` + blot + `"}`,
		`dial user:hunter2@planted@10.0.0.1:6379: no`:    `dial ` + blot + `@10.0.0.1:6379: no`,
		`{"redis":":hunter2/planted@[::1]:6379,b:1"}`:    `{"redis":"` + blot + `@[::1]:6379,b:1"}`,
		`{"kafka":"a:9092,ann:hunter2@b-1.x:9092"}`:      `{"kafka":"` + blot + `@b-1.x:9092"}`,
		`task 1: event pack on w:1, record lines/1@4`:    `task 1: event pack on w:1, record lines/1@4`,
		`secret='hunter2 planted' wrong`:                 `secret='` + blot + `' wrong`,
		`CLIENT_SECRET=s3cr3t-planted y`:                 `CLIENT_SECRET=` + blot + ` y`,
		`task 3 of module orders stands still`:           `task 3 of module orders stands still`,
		`"epoch": "abababababab"`:                        `"epoch": "abababababab"`,
	} {
		if got := string(blotted([]byte(text))); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", text, got, want)
		}
	}
}

func unpacked(t *testing.T, file string) map[string][]byte {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	packed, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for archive := tar.NewReader(packed); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if all[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// The console is served beside the HTTP API, until it is interrupted.
func TestConsoleIsServed(t *testing.T) {
	t.Parallel()
	_, c, _ := remoteCluster(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetOut(writer)
	ended := make(chan error, 1)
	go func() {
		ended <- (&remote{json: true}).serveConsole(cmd, c.Client(), "127.0.0.1:0", time.Minute, &accessOptions{})
	}()
	var at struct{ Address string }
	if err := json.NewDecoder(reader).Decode(&at); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	for address, want := range map[string]string{"/": "Running modules", "/m/orders": "What waits for what", "/v1/modules/orders/overview": `"name":"orders"`, "/assets/console.css": "--paper"} {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.Address+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := transport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d, %v, no %q in %s", address, answer.StatusCode, err, want, body)
		}
		_ = answer.Body.Close()
	}
	transport.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
