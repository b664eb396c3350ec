package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Check type-checks the package of each mutation with the mistake made, which takes a few
// seconds for all of them: a campaign of half an hour does not end at a text that the code has left
// behind. The error names every mutation that does not compile.
func Check(ctx context.Context, root string, all []Mutation) error {
	c := &checker{root: root, files: token.NewFileSet(), packages: map[string]*sources{}}
	var wrong []error
	for i := range all {
		if err := c.check(ctx, &all[i]); err != nil {
			wrong = append(wrong, fmt.Errorf("mutation %s does not compile: %w", all[i].Name, err))
		}
	}
	return errors.Join(wrong...)
}

// checker keeps what is parsed and imported from one mutation to the next.
type checker struct {
	root     string
	files    *token.FileSet
	packages map[string]*sources // by folder
}

// sources is a package as it stands.
type sources struct {
	path     string
	parsed   map[string]*ast.File // by name
	importer types.Importer
}

// listed is what `go list` tells of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

func (c *checker) check(ctx context.Context, m *Mutation) error {
	text, err := m.Apply(c.root)
	if err != nil {
		return err
	}
	folder, name := filepath.Split(m.File)
	p, err := c.load(ctx, folder)
	if err != nil {
		return err
	}
	mutated, err := parser.ParseFile(c.files, m.File, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	together := []*ast.File{mutated}
	for other, f := range p.parsed {
		if other != name {
			together = append(together, f)
		}
	}
	config := types.Config{Importer: p.importer}
	_, err = config.Check(p.path, c.files, together, nil)
	return err
}

// load parses a package, and finds what the compiler has made of those that it imports.
func (c *checker) load(ctx context.Context, folder string) (*sources, error) {
	if p := c.packages[folder]; p != nil {
		return p, nil
	}
	list := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./"+folder)
	list.Dir, list.Stderr = c.root, os.Stderr
	out, err := list.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := list.Start(); err != nil {
		return nil, err
	}
	exports := map[string]string{}
	var last listed
	for decoder := json.NewDecoder(out); ; {
		var l listed
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, errors.Join(err, list.Wait())
		}
		exports[l.ImportPath], last = l.Export, l
	}
	if err := list.Wait(); err != nil {
		return nil, fmt.Errorf("go list %s: %w", folder, err)
	}
	p := &sources{path: last.ImportPath, parsed: map[string]*ast.File{}}
	for _, name := range last.GoFiles {
		if p.parsed[name], err = parser.ParseFile(c.files, filepath.Join(last.Dir, name), nil, parser.SkipObjectResolution); err != nil {
			return nil, err
		}
	}
	p.importer = importer.ForCompiler(c.files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	c.packages[folder] = p
	return p, nil
}
