package redisstate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// methods are those of the client library that send a command.
var methods = map[string][]string{
	"Ping": {"PING"}, "Info": {"INFO"}, "Get": {"GET"}, "HGet": {"HGET"}, "HMGet": {"HMGET"}, "HGetAll": {"HGETALL"}, "HLen": {"HLEN"},
	"ZScore": {"ZSCORE"}, "ZCard": {"ZCARD"}, "SIsMember": {"SISMEMBER"}, "SCard": {"SCARD"}, "Exists": {"EXISTS"}, "EvalRO": {"EVAL_RO"},
	"TxPipelined": {"MULTI", "EXEC"}, "ClusterNodes": {"CLUSTER|NODES"},
	"HScan":            {"HSCAN"},
	"Pipelined":        nil, // sends what is put into it
	"ConfigGet":        nil, // asked, and not needed: see ACL
	"Time":             nil, // as well
	"NewClusterClient": {"CLUSTER|SLOTS", "COMMAND"},
}

var (
	word     = regexp.MustCompile(`^[A-Z][A-Z_]+$`)
	called   = regexp.MustCompile(`redis\.call\('([A-Z]+)'`)
	chosen   = regexp.MustCompile(`'(Z[A-Z]+)'`)
	notSent  = map[string]bool{"OOM": true, "NOPERM": true, "NOAUTH": true, "WRONGPASS": true, "READONLY": true, "MISCONF": true, "NOREPLICAS": true, "LOADING": true, "WRONGTYPE": true}
	argument = map[string]bool{"MYID": true}
)

// sources finds the commands that the package sends, and where: words in capitals that
// are literals, methods of the client library, and calls in scripts.
func sources(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]string{}
	positions := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "acl.go" {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		syntax, err := parser.ParseFile(positions, name, raw, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				names, known := methods[f.Sel.Name]
				for _, command := range names {
					sent[command] = name
				}
				if !known && f.Sel.Name != "Do" && sends(f.Sel.Name) && len(n.Args) > 0 && isContext(n.Args[0]) {
					t.Errorf("%s: %s sends a command: say which in methods", positions.Position(n.Pos()), f.Sel.Name)
				}
				if f.Sel.Name == "Do" && len(n.Args) > 2 && text(n.Args[1]) == "CLUSTER" {
					sent["CLUSTER|"+text(n.Args[2])] = name
				}
			case *ast.BasicLit:
				switch s := text(n); {
				case word.MatchString(s) && s != "CLUSTER" && s != "GET" && !notSent[s] && !argument[s]:
					sent[s] = name
				case strings.Contains(s, "redis.call"):
					for _, m := range append(called.FindAllStringSubmatch(s, -1), chosen.FindAllStringSubmatch(s, -1)...) {
						sent[m[1]] = name
					}
				}
			}
			return true
		})
	}
	return sent
}

// sends reports whether a method of that name of the client library sends a command.
func sends(name string) bool {
	_, is := reflect.TypeFor[redis.Cmdable]().MethodByName(name)
	return is
}

func isContext(n ast.Expr) bool {
	name, ok := n.(*ast.Ident)
	return ok && name.Name == "ctx"
}

func text(n ast.Expr) string {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}
