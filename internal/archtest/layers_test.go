package archtest

import (
	"fmt"
	"strings"
	"testing"
)

// layer is a row of the picture in docs/architecture.md. A package imports
// packages of lower rows, and of its own row only where sideways says so.
type layer int

const (
	vocabulary layer = iota
	seams
	language
	engine
	adapters
	shell
	assemblies
	entry
	nowhere layer = -1
)

func (l layer) String() string {
	if l == nowhere {
		return "no layer"
	}
	return []string{"vocabulary", "seams", "language", "engine", "adapters", "shell", "assemblies", "entry"}[l]
}

// place puts a folder, and what is below it unless a longer line says otherwise, into a layer.
var place = map[string]layer{
	"task":               vocabulary,
	"acker":              vocabulary,
	"eventtree":          vocabulary,
	"secret":             vocabulary,
	"codec":              vocabulary,
	"internal/codec":     vocabulary,
	"internal/shape":     vocabulary,
	"internal/lifecycle": vocabulary,
	"internal/progress":  vocabulary,
	"internal/sender":    vocabulary,
	"internal/lapsed":    vocabulary,

	"depot":      seams,
	"store":      seams,
	"transport":  seams,
	"nomination": seams,
	// The formats: they speak of the tables of a store.
	"internal/wire": seams,

	"internal/overlay": language,
	"internal/host":    language,
	"internal/place":   language,
	"internal/navtext": language,
	"pstate":           language,
	"module":           language,

	"runtime": engine,
	// What is committed, for whoever owns no task.
	"internal/reading": engine,
	// Options by name, over those of the language and the engine.
	"internal/settings": engine,

	"kafkadepot":              adapters,
	"redisstate":              adapters,
	"telemetry":               adapters,
	"certs":                   adapters,
	"codec/registry":          adapters,
	"internal/pipe":           adapters,
	"depot/memdepot":          adapters,
	"store/memstore":          adapters,
	"transport/memtransport":  adapters,
	"nomination/memgroup":     adapters,
	"transport/grpctransport": adapters,

	"worker": shell,
	"client": shell,

	"localcluster": assemblies,
	"simulation":   assemblies,
	"console":      assemblies,
	"overview":     assemblies,
	"httpapi":      assemblies,
	"httpauth":     assemblies,
	"connect":      assemblies,

	"cmd":          entry,
	"internal/cli": entry,
	"examples":     entry,
	"integration":  entry,
	// What serves development alone: no other layer may need it.
	"deploy":               entry,
	"internal/stack":       entry,
	"internal/model":       entry,
	"internal/mutants":     entry,
	"internal/chaos":       entry,
	"internal/faultproxy":  entry,
	"internal/archtest":    entry,
	"internal/guide":       entry,
	"internal/authority":   entry,
	"internal/environment": entry,
	"internal/fleet":       entry,
	"internal/blocking":    entry,
}

// layerOf is the layer of the longest placed folder that holds the package.
func layerOf(path string) layer {
	for above := path; above != ""; {
		if l, placed := place[above]; placed {
			return l
		}
		i := strings.LastIndexByte(above, '/')
		if i < 0 {
			break
		}
		above = above[:i]
	}
	return nowhere
}

// top is the folder that place knows a package by.
func top(path string) string {
	for above := path; ; {
		if _, placed := place[above]; placed {
			return above
		}
		i := strings.LastIndexByte(above, '/')
		if i < 0 {
			return path
		}
		above = above[:i]
	}
}

// sideways says whether packages of a row may import each other. The compiler
// forbids circles; what is refused here is that parts which are exchanged for one
// another know each other.
func sideways(l layer, from, to string) bool {
	switch l {
	case vocabulary, language, engine, assemblies, entry:
		return true
	case seams:
		return from == "internal/wire"
	}
	return false
}

// mayImport returns why a package must not import another, or "".
func mayImport(from, to string) string {
	f, t := layerOf(from), layerOf(to)
	switch {
	case f == nowhere:
		return fmt.Sprintf("%s has no layer: say in layers_test.go where it belongs", from)
	case t == nowhere:
		return fmt.Sprintf("%s has no layer: say in layers_test.go where it belongs", to)
	case t > f:
		return fmt.Sprintf("%s (%v) is above %s (%v)", to, t, from, f)
	case t == f && top(from) != top(to) && !sideways(f, from, to):
		return fmt.Sprintf("%s and %s are two %v: they do not know each other", from, to, f)
	case f == adapters && t > seams && from != "telemetry":
		// telemetry adapts the engine's listener, the others adapt a seam.
		return fmt.Sprintf("%s is an adapter: it knows its seam, not the %v", from, t)
	case f == shell && t == adapters && to != "telemetry":
		return fmt.Sprintf("%s chooses %s: only assemblies and entries choose Kafka, Redis or memory", from, to)
	}
	return ""
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	edges := 0
	for path, pkg := range sources(t) {
		if layerOf(path) == nowhere {
			t.Errorf("%s has no layer: say in layers_test.go where it belongs", path)
		}
		for to, where := range pkg.imports {
			edges++
			if why := mayImport(path, to); why != "" {
				t.Errorf("%s: %s", where, why)
			}
		}
	}
	if edges < 20 {
		t.Errorf("saw %d imports within the module: the sources were not read", edges)
	}
}

func TestMayImport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		allowed  bool
	}{
		{"runtime", "depot", true},
		{"runtime/stream", "runtime", true},
		{"module/agg", "pstate", true},
		{"telemetry", "runtime", true},
		{"worker", "telemetry", true},
		{"localcluster", "kafkadepot", true},
		{"examples/flights", "localcluster", true},
		{"runtime", "kafkadepot", false},
		{"runtime", "worker", false},
		{"task", "store", false},
		{"store", "depot", false},
		{"store", "internal/wire", false},
		{"kafkadepot", "redisstate", false},
		{"kafkadepot", "runtime", false},
		{"kafkadepot", "module", false},
		{"transport/memtransport", "transport/grpctransport", false},
		{"worker", "kafkadepot", false},
		{"worker", "client", false},
		{"client", "localcluster", false},
		{"worker", "internal/stack", false},
		{"somewhere/new", "task", false},
	} {
		if why := mayImport(test.from, test.to); (why == "") != test.allowed {
			t.Errorf("mayImport(%s, %s) = %q, want allowed %t", test.from, test.to, why, test.allowed)
		}
	}
}
