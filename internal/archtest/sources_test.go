package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const modulePath = "github.com/coppice-run/coppice"

// source is one package of the module with its parsed files.
type source struct {
	files []file
	// imports maps imported packages of the module to where that is. Tests are not counted.
	imports map[string]token.Position
	// everything holds all import paths in full, those of tests apart.
	everything, byTests map[string]bool
}

type file struct {
	syntax *ast.File
	test   bool
}

var (
	positions = token.NewFileSet()
	readOnce  = sync.OnceValues(func() (map[string]*source, error) { return read(root()) })
)

// sources are the packages of the module by their folder.
func sources(t *testing.T) map[string]*source {
	t.Helper()
	packages, err := readOnce()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// root is the folder of go.mod; tests run in the folder of their package.
func root() string { return filepath.Join("..", "..") }

// read parses all packages below a folder. It reads the files itself instead of
// asking the go command: so the test cache sees when one of them changes.
func read(root string) (map[string]*source, error) {
	packages := map[string]*source{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != root && foreign(path, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := packages[filepath.ToSlash(folder)]
		if pkg == nil {
			pkg = &source{imports: map[string]token.Position{}, everything: map[string]bool{}, byTests: map[string]bool{}}
			packages[filepath.ToSlash(folder)] = pkg
		}
		return pkg.add(path)
	})
	return packages, err
}

// foreign folders hold no package of the module, as the go command sees it.
func foreign(path, name string) bool {
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

func (s *source) add(path string) error {
	syntax, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return err
	}
	test := strings.HasSuffix(path, "_test.go")
	s.files = append(s.files, file{syntax, test})
	for _, spec := range syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if test {
			s.byTests[name] = true
			continue
		}
		s.everything[name] = true
		if inside, found := strings.CutPrefix(name, modulePath+"/"); found {
			s.imports[inside] = positions.Position(spec.Pos())
		}
	}
	return nil
}
