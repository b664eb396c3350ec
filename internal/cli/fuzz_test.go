package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/localcluster"
)

// fuzzed are the commands that end by themselves, and leave the module able to answer the next one.
var fuzzed = []string{"modules", "describe", "tasks", "options", "parked", "append", "select", "query", "progress", "tree", "trees", "resume", "__complete"}

// Whatever comes as arguments, one a line: the command ends with its exit code, and with an error that
// it tells, or prints what it was asked for; what is to be JSON is JSON.
func FuzzCommands(f *testing.F) {
	for _, args := range []string{
		"modules\n--json", "describe\norders\n--json", "tasks\nlist\norders", "options\nget\norders\nstore.durability", "options\nlist\norders\n--json",
		"parked\nretry\norders/count/orders/0/1", "parked\nedit\norders/count/orders/-1/99999999999999999999\n--value\nx", "append\norders\norders\n\"a\"\n--json",
		"append\norders\norders\n{\"a\":[1\n--level\nnone", "append\norders\norders\n/w==\n--stored\n--partition\n7", "select\norders\ncounts\nkey(\"a\")\n--json",
		"select\norders\ncounts\nvals.filter(it >= 1).count\n--task\n1", "select\norders\ncounts\nmulti(key(\"a\"), key(\"b\"))", "query\norders\nnone\n[1,", "progress\norders\n--json",
		"tree\norders/orders\n0\n0", "trees\norders\n--limit\n-1", "resume\norders\ncount", "__complete\nselect\norders\n", "describe\n\x00\xff", "select\n--\n--json\n%s", "append\n%d\n%!\n''",
	} {
		f.Add(args)
	}
	c, servers := remoteFlags(f)
	if err := c.Launch(f.Context(), &orders{}, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\n")
		if !slices.Contains(fuzzed, args[0]) || len(args) > 1 && (args[0] == "options" && args[1] == "set" || args[0] == "tasks" && args[1] == "rebuild") {
			return
		}
		for _, a := range args[1:] {
			if strings.HasPrefix(a, "-") && (strings.Contains(a, "kafka") || strings.Contains(a, "redis") || strings.Contains(a, "parallel")) || strings.ContainsAny(a, "\x00") {
				return // other servers, or what no shell hands over
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // of those that wait for something that does not come
		defer cancel()
		code, out, errs := coppice(ctx, slices.Insert(args, 1, servers...)...)
		for _, wrong := range []string{"panic", "runtime error", "%!", "nil pointer"} {
			if !strings.Contains(text, wrong) && strings.Contains(out+errs, wrong) {
				t.Fatalf("%q printed %q and %q", args, out, errs)
			}
		}
		switch code {
		case exitOK:
			if slices.Contains(args, "--json") && !slices.Contains(args, "--") && !isJSON(out) && !strings.Contains(out, "Usage:") && args[0] != "__complete" {
				t.Fatalf("%q printed no JSON: %q", args, out)
			}
		case exitError:
			if !strings.Contains(errs, "coppice: ") || len(errs) < len("coppice: x") {
				t.Fatalf("%q failed, and said %q", args, errs)
			}
		default:
			t.Fatalf("%q ended with exit code %d: %q", args, code, errs)
		}
	})
}

// isJSON reports whether a text is JSON, or each of its lines is.
func isJSON(text string) bool {
	if json.Valid([]byte(text)) {
		return true
	}
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			return false
		}
	}
	return true
}
