package console

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/coppice-run/coppice/overview"
)

// Measures of the plan, in pixels.
const (
	boxWidth   = 208.0
	boxHeight  = 44.0
	boxGap     = 12.0
	columnGap  = 92.0
	groupGap   = 30.0
	planTop    = 26.0
	planMargin = 14.0
	charsName  = 30
	charsNote  = 28 // of the same width each
)

// columns of the plan: what is appended to, what begins, what goes on, what is kept.
var columns = []string{"Depots", "Sources", "Steps", "PStates"}

func column(k overview.NodeKind) int {
	switch k {
	case overview.DepotNode:
		return 0
	case overview.SourceNode:
		return 1
	case overview.StepNode, overview.BatchNode:
		return 2
	}
	return 3
}

// placed is a box with its place.
type placed struct {
	*overview.Node
	x, y float64
}

// drawGraph draws the plan of a module from left to right, a band for each topology. Lines
// that were seen say how many events went along them.
func drawGraph(g overview.Graph) template.HTML {
	if len(g.Nodes) == 0 {
		return ""
	}
	var groups []string // topologies, in their order
	members := map[string][]*overview.Node{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Topology != "" && members[n.Topology] == nil {
			groups = append(groups, n.Topology)
		}
		members[n.Topology] = append(members[n.Topology], n)
	}
	var out strings.Builder
	boxes := map[string]placed{}
	y := planTop
	for _, group := range groups {
		rows := [4]int{}
		for _, n := range members[group] {
			c := column(n.Kind)
			boxes[n.ID] = placed{n, planMargin + float64(c)*(boxWidth+columnGap), y + groupGap + float64(rows[c])*(boxHeight+boxGap)}
			rows[c]++
		}
		height := groupGap + float64(max(rows[1], rows[2], rows[3]))*(boxHeight+boxGap)
		fmt.Fprintf(&out, `<rect class="topology" x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="8"/><text class="group" x="%.0f" y="%.0f">%s</text>`,
			planMargin+boxWidth+columnGap-14, y, 3*boxWidth+2*columnGap+28, height, planMargin+boxWidth+columnGap, y+19, html.EscapeString(group))
		y += height + boxGap
	}
	end := placeLoose(members[""], boxes, g.Edges)
	for _, e := range g.Edges {
		drawEdge(&out, boxes, e)
	}
	for i := range g.Nodes {
		drawBox(&out, boxes[g.Nodes[i].ID])
	}
	w, h := 2*planMargin+4*boxWidth+3*columnGap+14, max(y, end)+4
	var heads strings.Builder
	for i, name := range columns {
		fmt.Fprintf(&heads, `<text class="column" x="%.0f" y="14">%s</text>`, planMargin+float64(i)*(boxWidth+columnGap), name)
	}
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="The plan: depots, sources, steps and PStates, and what leads where">%s%s</svg>`, w, h, w, h, heads.String(), out.String()))
}

// placeLoose places what belongs to no topology: depots beside the first source that reads
// them, topics that are written to behind all.
func placeLoose(nodes []*overview.Node, boxes map[string]placed, edges []overview.Edge) (end float64) {
	free := [4]float64{planTop + groupGap, 0, 0, 0}
	for _, b := range boxes {
		free[3] = max(free[3], b.y+boxHeight+boxGap+groupGap)
	}
	for _, n := range nodes {
		c := column(n.Kind)
		y := free[c]
		for _, e := range edges {
			if to, ok := boxes[e.To]; ok && e.From == n.ID {
				y = max(y, to.y)
				break
			}
		}
		boxes[n.ID] = placed{n, planMargin + float64(c)*(boxWidth+columnGap), y}
		free[c] = y + boxHeight + boxGap
		end = max(end, free[c])
	}
	return end
}

func drawBox(out *strings.Builder, b placed) {
	fmt.Fprintf(out, `<g><title>%s</title><rect class="node %s" x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="6"/><text x="%.0f" y="%.0f">%s</text><text class="note" x="%.0f" y="%.0f">%s</text></g>`,
		html.EscapeString(string(b.Kind)+" "+b.Name+": "+b.Note), b.Kind, b.x, b.y, boxWidth, boxHeight, b.x+12, b.y+18, html.EscapeString(cut(b.Name, charsName)), b.x+12, b.y+34, html.EscapeString(cut(b.Note, charsNote)))
}

func cut(text string, chars int) string {
	if utf8.RuneCountInString(text) <= chars {
		return text
	}
	return string([]rune(text)[:chars-1]) + "…"
}

// drawEdge draws a line: forward from side to side, else around the right of both boxes.
func drawEdge(out *strings.Builder, boxes map[string]placed, e overview.Edge) {
	a, okA := boxes[e.From]
	b, okB := boxes[e.To]
	if !okA || !okB {
		return
	}
	class, tip := "edge", "tip"
	if e.Events > 0 {
		class, tip = "edge seen", "tip seen"
	}
	x1, y1, x2, y2 := a.x+boxWidth, a.y+boxHeight/2, b.x, b.y+boxHeight/2
	labelX, labelY := (x1+x2)/2, (y1+y2)/2-5
	if x2 > x1 {
		middle := (x1 + x2) / 2
		fmt.Fprintf(out, `<path class="%s" d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f"/><path class="%s" d="M%.0f %.0fl-8 -4v8z"/>`, class, x1, y1, middle, y1, middle, y2, x2-6, y2, tip, x2, y2)
	} else { // within a column, or back
		x2 = b.x + boxWidth
		side := max(x1, x2) + columnGap*0.5
		if e.From == e.To {
			y1, y2 = y1-8, y2+8
		}
		labelX, labelY = side-6, (y1+y2)/2+4
		fmt.Fprintf(out, `<path class="%s" d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f"/><path class="%s" d="M%.0f %.0fl8 -4v8z"/>`, class, x1, y1, side, y1, side, y2, x2+6, y2, tip, x2, y2)
	}
	if e.Events > 0 {
		fmt.Fprintf(out, `<text class="seen" x="%.0f" y="%.0f" text-anchor="middle">%s</text>`, labelX, labelY, number(e.Events))
	}
}
