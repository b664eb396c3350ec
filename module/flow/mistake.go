package flow

import (
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// here is what the names of this package's functions begin with.
const here = "github.com/coppice-run/coppice/module/flow."

// line is the line of the user's source that declares something: the innermost that is
// not in this package.
func line() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, here) {
			return filepath.Base(filepath.Dir(f.File)) + "/" + filepath.Base(f.File) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}

// mistake is one of a flow.
type mistake struct{ line, thing, text, mend string }

// mistake says that something is wrong with an operation.
func (n *node) mistake(text, mend string) {
	m := mistake{n.line, "flow." + n.verb, text, mend}
	if n.flow.done {
		m.tell(n.flow)
		return
	}
	n.flow.mistakes = append(n.flow.mistakes, m)
}

func (m mistake) tell(g *graph) {
	g.front.Declare(m.line, func() { g.front.Mistake(m.thing, m.text, m.mend) })
}
