package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/localcluster"
)

// steering is what a record may hold: the title of the window is set, the screen erased, the
// direction of writing turned, and a line of its own begun.
const steering = "\x1b]0;owned\a\x1b[2J\u202eoot\u009b1m"

// controlsIn reports whether a text steers a terminal; that it has lines is as it should be.
func controlsIn(text string) bool {
	return strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), steers)
}

// What handlers say of records reaches no terminal as it is: neither in the error of a retry, of
// which there may be several, nor in what is listed, in findings or as JSON.
func TestRecordsDoNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	c, run := remoteServers(t)
	m := &quoting{raw: true}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := m.Orders.Append(t.Context(), c.Client(), steering); !errors.Is(err, client.ErrFailed) {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"parked", "retry", "quoting/fulfil/orders/0/0", "quoting/fulfil/orders/0/1"}, {"parked", "list", "quoting"}, {"parked", "list", "quoting", "--json"},
		{"trees", "quoting", "--recent"}, {"trees", "quoting", "--recent", "--json"}, {"top", "--looks", "1"}, {"doctor"}, {"append", "quoting", "orders", `"\u001b[2J"`},
	} {
		_, out, errs := run(args...)
		if controlsIn(out) || controlsIn(errs) {
			t.Errorf("%v printed %q, %q", args, out, errs)
		}
		if args[0] == "parked" && args[1] == "retry" && (strings.Count(errs, "\n") != 2 || strings.Count(errs, "the retry, attempt 2, failed in fulfil: ") != 2 || !strings.Contains(errs, `\x1b]0;owned\a`) || !strings.Contains(errs, "stays parked")) {
			t.Errorf("the retries ended with\n%s", errs)
		}
	}
}

// JSON that is escaped means what it meant.
func TestLegibleJSON(t *testing.T) {
	t.Parallel()
	for _, v := range []any{steering, "\x7f", map[string]string{"a\u2066": "b\n"}, 7, "ä → 🌳"} {
		var out strings.Builder
		if err := printLine(&out, v); err != nil {
			t.Fatal(err)
		}
		var pretty strings.Builder
		if err := printJSON(&pretty, v); err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(v)
		for _, text := range []string{out.String(), pretty.String()} {
			var got any
			if err := json.Unmarshal([]byte(text), &got); err != nil || controlsIn(text) {
				t.Errorf("%v: %q", err, text)
			}
			if again, _ := json.Marshal(got); string(again) != string(want) {
				t.Errorf("%q means %s, not %s", text, again, want)
			}
		}
	}
	if got := string(legibleJSON([]byte("no JSON \x1b"))); got != `no JSON \x1b` {
		t.Errorf("what is no JSON becomes %q", got)
	}
}

// Values in a list stand as they are, without a backslash before each quote.
func TestParkedValuesAreListedAsTheyAre(t *testing.T) {
	t.Parallel()
	if got := shortened(`{"id":"1"}`); got != `{"id":"1"}` {
		t.Errorf("it becomes %s", got)
	}
	if got := []rune(shortened(strings.Repeat("ä", 61))); len(got) != 60 || got[59] != '…' {
		t.Errorf("of a long one %s is left", string(got))
	}
}

// The heading of events stands above them, as far in as they are.
func TestTreesKeepTheIndentOfTheirHeading(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	tree := eventtree.Tree{State: eventtree.Parked, Events: []eventtree.Event{{ID: 1, Step: "keys", State: eventtree.Failed}}}
	if err := printTrees(&out, []eventtree.Tree{tree}, time.Now()); err != nil || !strings.Contains(out.String(), "\n  EVENT  ATTEMPT") || !strings.Contains(out.String(), "\n  keys   0") {
		t.Errorf("%v, printed\n%s", err, out.String())
	}
}

// Where no module has a depot nothing is listed that there were.
func TestNoDepotAtAll(t *testing.T) {
	t.Parallel()
	_, run := remoteServers(t)
	if code, _, errs := run("tree", "lines", "0", "0"); code != exitError || !strings.Contains(errs, "none on these servers has any") || strings.Contains(errs, "there are") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

// The version tells Go's, and is the same by both ways.
func TestVersion(t *testing.T) {
	t.Parallel()
	_, flag, _ := coppice(t.Context(), "--version")
	code, out, errs := coppice(t.Context(), "version")
	said(t, code, out, errs, "coppice ", ", go1.")
	if flag != out {
		t.Errorf("--version says %q, version %q", flag, out)
	}
	var b buildInfo
	code, out, errs = coppice(t.Context(), "version", "--json")
	said(t, code, out, errs)
	if err := json.Unmarshal([]byte(out), &b); err != nil || b != build() {
		t.Errorf("%v: %s", err, out)
	}
	for want, b := range map[string]buildInfo{
		"coppice v1.2.3, go1.30, plan9/arm":                             {Version: "v1.2.3", Go: "go1.30", System: "plan9/arm"},
		"coppice (devel), revision abc with changes, go1.30, plan9/arm": {Version: "(devel)", Revision: "abc", Modified: true, Go: "go1.30", System: "plan9/arm"},
	} {
		if got := fmt.Sprint(b); got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}

// The worst comes first; of what is fine, a kind of which there is much is counted.
func TestFindingsComeTheWorstFirst(t *testing.T) {
	t.Parallel()
	var f findings
	f.add(fine, "kafka at a", "answers", "")
	for i := range fineShown + 1 {
		f.add(fine, fmt.Sprintf("topic t%d", i), "well", "")
	}
	f.add(risky, "redis at b", "risk", "mend")
	f.add(broken, "topic gone\x1b", "broke", "mend \x1b[2J")
	f.add(broken, "topic other", "broke, too", "mend")
	f.sort()
	var out strings.Builder
	if err := printFindings(&out, f); err != nil {
		t.Fatal(err)
	}
	want := "broken  topic gone\\x1b: broke\n        → mend \\x1b[2J\nbroken  topic other: broke, too\n        → mend\nrisky   redis at b: risk\n        → mend\n" +
		"fine    kafka at a: answers\nfine    11 topics: nothing is wrong with them; --json lists them\n2 broken, 1 risky, 12 fine\n"
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}
