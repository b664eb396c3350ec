package cli

import (
	"context"
	"encoding/json"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/connect"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silent{})
	// The servers of who runs the tests are not theirs, but for those that were started for them.
	if os.Getenv("COPPICE_TEST_SECURE") == "" {
		servers := flag.NewFlagSet("", flag.ContinueOnError)
		(&connect.Config{}).Register(servers)
		servers.VisitAll(func(f *flag.Flag) { _ = os.Unsetenv(connect.Variable(f.Name)) })
	}
	goleak.VerifyTestMain(m)
}

// coppice runs the command and returns its exit code and what it printed.
func coppice(ctx context.Context, args ...string) (code int, out, errs string) {
	var o, e strings.Builder
	code = run(ctx, args, &o, &e)
	return code, o.String(), e.String()
}

// The lines that the documentation of each demo has.
func TestDemosPrintTheirLines(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"basic":     "a count: 2\nb count: 2\nc count: 1\nb subcounts: [[\"a\" 1] [\"c\" 1]]\n",
		"ackreturn": "{\"s\" 1}\n{\"s\" 2}\n{\"s\" 3}\n",
		"sum":       "9\n25\n100\n",
		"eventtree": "keys\n  mark\n  scatter\n    leaf\n    leaf\n5 events\n",
		"components": "create the house: done\ncreate the kitchen in the house: done\ncreate the stove in the kitchen: done\ndelete the kitchen: done\n" +
			"create a table in the kitchen: rejected\n",
		"bank": "ann pays in 100.00: 100.00 left\nann sends 30.00 to bob: 70.00 left\nann sends 30.00 to bob, the same again: 70.00 left\n" +
			"bob sends 50.00 to ann: refused, insufficient funds\nbob takes out 5.00: 25.00 left\nann has 70.00\nbob has 25.00\n" +
			"ann's history: d1 100.00 cash\nann's history: t1 -30.00 bob\n",
		"componentsexact": "create the house: done\ncreate the kitchen in the house: done\ncreate the stove in the kitchen: done\n" +
			"create another stove in the kitchen: stove: the component exists already\ndelete the kitchen: done\n" +
			"create a table in the kitchen: kitchen: the parent does not exist\ncreate the kitchen in the house: done\nthe house has the kitchen, new\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := coppice(t.Context(), "demo", name, "--plain", "--workers", "2")
			if code != exitOK || out != want || errs != "" {
				t.Errorf("exit code %d, errors %q, printed\n%swant\n%s", code, errs, out, want)
			}
			code, out, _ = coppice(t.Context(), "demo", name, "--json")
			var object struct {
				Demo  string
				Lines []string
			}
			if err := json.Unmarshal([]byte(out), &object); code != exitOK || err != nil || strings.Join(object.Lines, "\n")+"\n" != want {
				t.Errorf("--json: exit code %d, %v: %s", code, err, out)
			}
		})
	}
}

func TestDemoFlights(t *testing.T) {
	t.Parallel()
	code, out, errs := coppice(t.Context(), "demo", "--plain")
	for _, line := range []string{"flights.total\t27004", "carrier.UA.flights\t4637", "route.EWR-IAH.flights\t", "origin.JFK.dep_delay_sum\t"} {
		if !strings.Contains(out, line) {
			t.Errorf("no line %q", line)
		}
	}
	if code != exitOK || errs != "" {
		t.Errorf("exit code %d, errors %q", code, errs)
	}
	code, out, _ = coppice(t.Context(), "demo", "flights", "--records", "50")
	if code != exitOK || !strings.Contains(out, "CARRIER") || !strings.Contains(out, "50 flights, every one acknowledged") {
		t.Errorf("tables, exit code %d:\n%s", code, out)
	}
	code, out, _ = coppice(t.Context(), "demo", "--json", "--records", "50")
	var report struct{ Total int }
	if err := json.Unmarshal([]byte(out), &report); code != exitOK || err != nil || report.Total != 50 {
		t.Errorf("--json: exit code %d, total %d, %v", code, report.Total, err)
	}
}

// What cannot work: an exit code, and an error that says what and where.
func TestWrongUse(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text.csv")
	if err := os.WriteFile(text, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"demo", "nothing"}, "nothing"},
		{[]string{"demo", "--tasks", "0"}, "--tasks 0"},
		{[]string{"demo", "--workers", "9"}, "--workers 9"},
		{[]string{"demo", "--records", "-1"}, "--records -1"},
		{[]string{"demo", "--plain", "--json"}, "plain"},
		{[]string{"demo", "basic", "--records", "3"}, "flights"},
		{[]string{"demo", "--input", "/no/such/file"}, "/no/such/file"},
		{[]string{"demo", "--input", text}, "tailnum"},
		{[]string{"demo", "--kafka", closed}, closed},
		{[]string{"demo", "--redis", closed}, closed},
		{[]string{"demo", "--redis", "nohost"}, "nohost"},
		{[]string{"demo", "--wrong"}, "--wrong"},
		{[]string{"options", "list", "M"}, connect.Variable("kafka")},
		{[]string{"parked", "retry", "M/x"}, "MODULE/TOPOLOGY/SOURCE/PARTITION/OFFSET"},
		{[]string{"parked", "edit", "M/t/s/0/1"}, "value"},
		{[]string{"modules", "--kafka", closed, "--redis", closed}, closed},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			code, out, errs := coppice(t.Context(), c.args...)
			if code != exitError || !strings.Contains(errs, c.want) || out != "" {
				t.Errorf("exit code %d, printed %q, error %q; want an error with %q", code, out, errs, c.want)
			}
		})
	}
}

// Ctrl-C ends a demo cleanly: its own exit code, and nothing left running.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, _, errs := coppice(ctx, "demo", "--plain")
	if code != exitInterrupted || !strings.Contains(errs, "interrupted") {
		t.Errorf("exit code %d, error %q", code, errs)
	}
}

func TestHelpNamesTheDemos(t *testing.T) {
	t.Parallel()
	code, out, _ := coppice(t.Context(), "demo", "--help")
	for _, name := range append([]string{"flights", "--kafka", "--redis"}, sceneNames...) {
		if !strings.Contains(out, name) {
			t.Errorf("help does not name %s", name)
		}
	}
	if code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
