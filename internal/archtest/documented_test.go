package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// unpromised folders are not for those who use the module: docs/compatibility.md.
var unpromised = []string{"internal", "cmd", "examples", "integration", "deploy"}

// plain are methods whose names say all.
var plain = []string{
	"Error", "String", "Unwrap", "Is", "As", "Format", "LogValue", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Len", "Less", "Swap",
}

// undocumented lists the exported things of a file that say nothing of themselves: where, and what.
func undocumented(f *ast.File) (all []string) {
	note := func(at token.Pos, what string) {
		p := positions.Position(at)
		all = append(all, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, what))
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && (d.Recv == nil || !slices.Contains(plain, d.Name.Name)) {
				note(d.Pos(), d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if !s.Name.IsExported() {
						continue
					}
					if d.Doc == nil && s.Doc == nil && s.Comment == nil {
						note(s.Pos(), s.Name.Name)
					}
					if strings.HasSuffix(s.Name.Name, "Config") || strings.HasSuffix(s.Name.Name, "Options") {
						for _, field := range fields(s.Type) {
							note(field.Pos(), s.Name.Name+"."+field.Name)
						}
					}
				case *ast.ValueSpec:
					if d.Doc == nil && s.Doc == nil && s.Comment == nil && slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
						note(s.Pos(), s.Names[0].Name)
					}
				}
			}
		}
	}
	return all
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	switch t := d.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return exportedType(t.X)
	default:
		return exportedType(t)
	}
}

func exportedType(e ast.Expr) bool {
	switch t := e.(type) {
	case *ast.Ident:
		return t.IsExported()
	case *ast.IndexExpr:
		return exportedType(t.X)
	case *ast.IndexListExpr:
		return exportedType(t.X)
	}
	return false
}

// fields are the exported ones of a struct of which nothing is said: neither at them, nor, for
// those that follow without a gap, at the ones before. Only of what somebody sets are they asked
// for: a type's own words say enough of most others.
func fields(e ast.Expr) (all []*ast.Ident) {
	t, ok := e.(*ast.StructType)
	if !ok {
		return nil
	}
	said, last := false, 0
	for _, field := range t.Fields.List {
		line := positions.Position(field.Pos()).Line
		said = field.Doc != nil || field.Comment != nil || said && line <= last+1
		last = positions.Position(field.End()).Line
		for _, name := range field.Names {
			if name.IsExported() && !said {
				all = append(all, name)
			}
		}
	}
	return all
}

// Each exported thing that those who use the module are promised says what it is, and so does each
// setting and each package.
func TestExportedThingsAreDocumented(t *testing.T) {
	t.Parallel()
	packages := 0
	for path, pkg := range sources(t) {
		first, _, _ := strings.Cut(path, "/")
		if slices.Contains(unpromised, first) || !slices.ContainsFunc(pkg.files, func(f file) bool { return !f.test }) {
			continue
		}
		packages++
		told := false
		for _, f := range pkg.files {
			if f.test || ast.IsGenerated(f.syntax) {
				continue
			}
			told = told || f.syntax.Doc != nil
			for _, thing := range undocumented(f.syntax) {
				t.Errorf("%s says nothing of itself", thing)
			}
		}
		if !told {
			t.Errorf("package %s says nothing of itself", path)
		}
	}
	if packages < 20 {
		t.Errorf("saw %d packages: the sources were not read", packages)
	}
}
