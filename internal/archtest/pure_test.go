package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure says whether a package is part of the engine or below it: time, randomness
// and the results of I/O come into it as inputs. The simulated world is as strict,
// since a seed must give the same run each time. Conformance suites drive real
// implementations and are tests in all but name.
func pure(path string) bool {
	if strings.HasSuffix(path, "test") {
		return false
	}
	return layerOf(path) >= vocabulary && layerOf(path) <= engine || top(path) == "simulation"
}

// impureImports are packages that a pure package has no use for.
var impureImports = []string{"net", "os", "log", "log/slog", "crypto/rand", "syscall"}

// impureNames are those parts of allowed packages that look at the world. Of the
// package math/rand/v2 only what makes a generator with a seed is allowed.
var (
	impureTime = []string{"Now", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Since", "Until"}
	pureRandom = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "PCG", "ChaCha8", "Zipf", "Source"}
)

// impurities are the places of a file that break the rule, with the reason.
func impurities(files *token.FileSet, syntax *ast.File) []string {
	var found []string
	report := func(at token.Pos, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s: ", files.Position(at))+fmt.Sprintf(format, args...))
	}
	names := map[string]string{} // of imported packages in this file
	for _, spec := range syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser refuses it
		}
		for _, impure := range impureImports {
			if path == impure || strings.HasPrefix(path, impure+"/") {
				report(spec.Pos(), "imports %s", path)
			}
		}
		names[importName(spec, path)] = path
	}
	ast.Inspect(syntax, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.GoStmt:
			report(node.Pos(), "starts a goroutine")
		case *ast.SelectorExpr:
			name, isName := node.X.(*ast.Ident)
			if !isName {
				return true
			}
			switch path := names[name.Name]; {
			case path == "time" && slices.Contains(impureTime, node.Sel.Name):
				report(node.Pos(), "uses time.%s", node.Sel.Name)
			case path == "math/rand", path == "math/rand/v2" && !slices.Contains(pureRandom, node.Sel.Name):
				report(node.Pos(), "uses the global generator: rand.%s", node.Sel.Name)
			}
		}
		return true
	})
	return found
}

// importName is the name that a file calls a package of the standard library by.
func importName(spec *ast.ImportSpec, path string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	path = strings.TrimSuffix(path, "/v2")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// forTests is the one file of the pure packages that serves test functions: it
// reads which seed to run.
const forTests = "simulation/verify.go"

func TestEngineIsPure(t *testing.T) {
	t.Parallel()
	checked := 0
	for path, pkg := range sources(t) {
		if !pure(path) {
			continue
		}
		for _, file := range pkg.files {
			if file.test || strings.HasSuffix(positions.Position(file.syntax.Pos()).Filename, forTests) {
				continue
			}
			checked++
			for _, impurity := range impurities(positions, file.syntax) {
				t.Errorf("%s; time, randomness and I/O come into package %s as inputs", impurity, path)
			}
		}
	}
	if checked < 20 {
		t.Errorf("checked %d files: the sources were not read", checked)
	}
}

func TestImpuritiesAreFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ code, want string }{
		{`import "time"; var d = 3 * time.Second`, ""},
		{`import "time"; func f(t time.Time) time.Time { return t.Add(1) }`, ""},
		{`import "math/rand/v2"; var r = rand.New(rand.NewPCG(1, 2))`, ""},
		{`import "time"; var clock = time.Now`, "uses time.Now"},
		{`import clock "time"; func f() { clock.Sleep(1) }`, "uses time.Sleep"},
		{`import "math/rand/v2"; var n = rand.IntN(3)`, "uses the global generator: rand.IntN"},
		{`func f() { go f() }`, "starts a goroutine"},
		{`func f() { func() { go func() {}() }() }`, "starts a goroutine"},
		{`import "log/slog"; var l = slog.Default()`, "imports log/slog"},
		{`import "net/http"; var c http.Client`, "imports net/http"},
	} {
		files := token.NewFileSet()
		syntax, err := parser.ParseFile(files, "planted.go", "package planted; "+test.code, 0)
		if err != nil {
			t.Fatal(err)
		}
		found := strings.Join(impurities(files, syntax), "\n")
		if (test.want == "") != (found == "") || !strings.Contains(found, test.want) {
			t.Errorf("%s: found %q, want %q", test.code, found, test.want)
		}
	}
}
