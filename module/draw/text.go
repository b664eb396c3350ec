package draw

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/module"
)

// Text draws a plan in lines: what Plan.String prints, and below it each flow with an
// operation to a line, numbered. Where a line does not simply go on to the next one,
// arrows say where it goes, and a hop says which step it leads to and what it carries:
//
//	flow words/sentences
//	   0 Source       sentences: string
//	   1 Explode      strings.Fields(v0)
//	   2 HopAt        v1
//	     ═══ hop to step count, carries v1 string
//	   3 Agg          counts[v1]: count
func Text(p *module.Plan) string {
	var out strings.Builder
	out.WriteString(p.String())
	for _, s := range p.Streams {
		for _, f := range s.Flows {
			flowText(&out, "flow "+s.Name+"/"+f.Source, f)
		}
	}
	for _, q := range p.Queries {
		if q.Flow != nil {
			flowText(&out, "query "+q.Name, q.Flow)
		}
	}
	return out.String()
}

func flowText(out *strings.Builder, title string, f *module.FlowPlan) {
	fmt.Fprintf(out, "\n%s\n", title)
	for i := range f.Nodes {
		textOf(out, f, i)
	}
}

func textOf(out *strings.Builder, f *module.FlowPlan, i int) {
	n := &f.Nodes[i]
	line := fmt.Sprintf("%4d %-12s %s", i, n.Kind, n.Text)
	out.WriteString(strings.TrimRight(line, " ") + arrows(f, i) + "\n")
	switch {
	case n.Part != "":
		fmt.Fprintf(out, "     ═══ all rows of %s\n", n.Part)
	case n.Step != "":
		fmt.Fprintf(out, "     ═══ hop to step %s, carries %s\n", n.Step, carried(n))
	}
}

// carried words what a hop takes along.
func carried(n *module.FlowNode) string {
	if len(n.Carries) == 0 {
		return "nothing"
	}
	return strings.Join(n.Carries, ", ")
}

// arrows says where a node leads to, if that is not just the next line.
func arrows(f *module.FlowPlan, i int) string {
	next := f.Nodes[i].Next
	if len(next) == 1 && next[0].To == i+1 && (next[0].Label == "" || next[0].Label == "turn") {
		return ""
	}
	if len(next) == 0 {
		return "  ■"
	}
	words := make([]string, len(next))
	for k, e := range next {
		if words[k] = fmt.Sprint(e.To); e.Label != "" {
			words[k] = e.Label + " " + words[k]
		}
	}
	return "  → " + strings.Join(words, ", ")
}
