// Command mutants makes one mistake after another in the protocol, and has the
// simulator find each. Its last line is
//
//	mutants found 35/35, seeds median 4, most 210
//
// where seeds is how many of them it took; the exit code is 1 if one is not found.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/mutants"
)

func main() {
	seeds := flag.Int("seeds", 1000, "seeds of each workload to try before a mutation counts as not found")
	only := flag.String("only", "", "names of mutations, with commas; default: all")
	flag.Parse()
	if err := run(context.Background(), *seeds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, seeds int, only string) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := mutants.Check(ctx, root, mutants.All()); err != nil {
		return err
	}
	t := &trial{root: root, folder: folder, seeds: seeds}
	var took []int
	total := 0
	var missed []string
	for _, m := range mutants.All() {
		if only != "" && !slices.Contains(strings.Split(only, ","), m.Name) {
			continue
		}
		total++
		n, how, err := t.try(ctx, &m)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", m.Name, err)
		case n == 0:
			missed = append(missed, m.Name)
			fmt.Printf("%-22s %-9s NOT FOUND by %d seeds: %s\n", m.Name, m.Rule, max(seeds, m.Seeds), m.What)
		default:
			took = append(took, n)
			fmt.Printf("%-22s %-9s seeds %4d  %s\n", m.Name, m.Rule, n, how)
		}
	}
	slices.Sort(took)
	median, most := 0, 0
	if len(took) > 0 {
		median, most = took[len(took)/2], took[len(took)-1]
	}
	fmt.Printf("mutants found %d/%d, seeds median %d, most %d\n", len(took), total, median, most)
	if len(missed) > 0 {
		return errors.New("not found: " + strings.Join(missed, ", "))
	}
	return nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// trial tries mutations.
type trial struct {
	root, folder string
	seeds        int
}

// found is what simulate prints with -until-found.
var found = regexp.MustCompile(`(?m)^found after (\d+) seeds: (.*)$`)

// try builds the simulator with a mutation and returns how many seeds found it; 0
// if none did.
func (t *trial) try(ctx context.Context, m *mutants.Mutation) (seeds int, how string, err error) {
	text, err := m.Apply(t.root)
	if err != nil {
		return 0, "", err
	}
	changed := filepath.Join(t.folder, "mutated.go.txt")
	if err := os.WriteFile(changed, text, 0o600); err != nil {
		return 0, "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(t.root, m.File): changed}})
	if err != nil {
		return 0, "", err
	}
	list := filepath.Join(t.folder, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return 0, "", err
	}
	if m.Test != "" {
		return t.test(ctx, m.Test, list)
	}
	binary := filepath.Join(t.folder, "simulate")
	// Without the example modules, and without symbols: compiling takes most of a campaign.
	build := exec.CommandContext(ctx, "go", "build", "-tags", "core", "-ldflags", "-s -w", "-overlay", list, "-o", binary, "./cmd/simulate")
	build.Dir = t.root
	if out, err := build.CombinedOutput(); err != nil {
		return 0, "", fmt.Errorf("it does not compile: %w\n%s", err, out)
	}
	args := []string{"-seeds", strconv.Itoa(max(t.seeds, m.Seeds)), "-until-found"}
	if m.Workloads != "" {
		args = append(args, "-workloads", m.Workloads)
	}
	out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
	if match := found.FindSubmatch(out); match != nil {
		seeds, err := strconv.Atoi(string(match[1]))
		return seeds, string(match[2]), err
	}
	if err != nil {
		// A mutation may break the engine so that it panics: that is found, too.
		return 1, "the simulator ended: " + lastLine(out), nil
	}
	return 0, "", nil
}

// test runs the test that has to fail; that counts as one seed.
func (t *trial) test(ctx context.Context, which, overlay string) (seeds int, how string, err error) {
	folder, name, _ := strings.Cut(which, " ")
	run := exec.CommandContext(ctx, "go", "test", "-count", "1", "-overlay", overlay, "-run", "^"+name+"$", folder)
	run.Dir = t.root
	out, err := run.CombinedOutput()
	switch {
	case err == nil && strings.Contains(string(out), "no tests to run"):
		return 0, "", fmt.Errorf("there is no %s in %s", name, folder)
	case err == nil:
		return 0, "", nil
	case !strings.Contains(string(out), "--- FAIL: "+name):
		return 0, "", fmt.Errorf("%s does not run: %w\n%s", name, err, out)
	}
	return 1, name + " fails", nil
}

func lastLine(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			return strings.TrimSpace(line)
		}
	}
	return "without a word"
}
