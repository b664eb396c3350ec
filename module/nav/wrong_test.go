package nav_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// wrong is a program in which every line that ends with "wrong" must not compile, and
// every other line must.
const wrong = `package main

import (
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

var (
	r      pstate.Reader
	w      pstate.Writer
	plain  pstate.Map[string, int]
	sorted pstate.MapOf[string, pstate.SortedMap[int, string]]
	set    pstate.Set[int]
	ages   pstate.SortedSet[int]
	list   pstate.List[int]
	rows   pstate.ListOf[pstate.List[int]]
)

func main() {
	vals := nav.MapVals(nav.Key(nav.From(sorted), "a"))
	nav.Set(w, vals, "x")
	nav.Set(w, vals, 1) // wrong
	nav.Update(w, vals, func(n int) int { return n }) // wrong
	nav.Set(r, vals, "x") // wrong
	nav.Key(nav.From(plain), 1) // wrong
	nav.Key(nav.From(list), 1) // wrong
	nav.MapVals(nav.From(plain)) // wrong
	nav.All(nav.From(set)) // wrong
	nav.All(nav.From(sorted)) // wrong
	nav.MapRange(nav.From(plain), "a", "b") // wrong
	nav.MapRange(nav.From(sorted), 1, 2) // wrong
	nav.MapRange(nav.MapRange(nav.From(sorted), "a", "b"), "a", "b") // wrong
	nav.Range(nav.From(ages), "a", "b") // wrong
	nav.Elem(nav.From(ages), "a") // wrong
	nav.Elem(nav.From(list), 1) // wrong
	nav.Nth(nav.From(ages), 1) // wrong
	nav.Set(w, nav.MapKeys(nav.From(sorted)), "x") // wrong
	nav.Delete(w, nav.MapKeys(nav.From(sorted))) // wrong
	nav.Set(w, nav.View(nav.All(nav.From(list)), func(n int) int { return n }), 1) // wrong
	nav.Set(w, nav.Key(nav.From(sorted), "a"), pstate.SortedMap[int, string]{}) // wrong
	nav.Delete(w, nav.Key(nav.From(sorted), "a"))
	nav.Delete(w, nav.All(nav.From(rows))) // wrong
	nav.Delete(w, nav.All(nav.All(nav.From(rows))))
	nav.Filter(vals, func(n int) bool { return n > 1 }) // wrong
	nav.FilterLess(vals, 1) // wrong
	nav.Items(vals) // wrong
	nav.Then(vals, nav.Here[int]()) // wrong
	nav.Multi(vals, nav.View(nav.Here[string](), func(s string) int { return len(s) }), nav.Here[string]()) // wrong
	nav.Select(r, nav.All(nav.Inside[pstate.List[int]]())) // wrong
}
`

var errorLine = regexp.MustCompile(`main\.go:(\d+):\d+: `)

// Wrong use of a path does not compile.
func TestWrongUseDoesNotCompile(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	folder := t.TempDir()
	source, list := filepath.Join(folder, "main.go"), filepath.Join(folder, "overlay.json")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]map[string]string{"Replace": {filepath.Join(here, "wrong", "main.go"): source}}
	text, err := json.Marshal(replace)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{source: wrong, list: string(text)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-gcflags=-e", "-o", os.DevNull, "./wrong")
	out, err := build.CombinedOutput()
	if err == nil {
		t.Fatal("all of it compiles")
	}
	refused := map[string]bool{}
	for _, m := range errorLine.FindAllStringSubmatch(string(out), -1) {
		refused[m[1]] = true
	}
	if len(refused) == 0 {
		t.Fatalf("the compiler was not reached: %s", out)
	}
	for i, line := range strings.Split(wrong, "\n") {
		if number := strconv.Itoa(i + 1); refused[number] != strings.HasSuffix(line, "// wrong") {
			t.Errorf("line %s, %s: compiles: %t", number, strings.TrimSpace(line), !refused[number])
		}
	}
}
