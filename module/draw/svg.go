package draw

import (
	"fmt"
	"html"
	"strings"

	"github.com/coppice-run/coppice/module"
)

// style has the colours of light and of dark pages.
const style = `
svg{font:12px ui-monospace,Menlo,Consolas,monospace;--ink:#1c2a22;--soft:#5d6b62;--line:#8b978f;--each:#ffffff;--source:#dff0e2;--hop:#fdf0d2;--edge:#b9c4bc;background:#fbfcfb}
@media (prefers-color-scheme:dark){svg{--ink:#e4ece6;--soft:#a3b0a7;--line:#6d7a71;--each:#202923;--source:#1f3d2a;--hop:#43361a;--edge:#536058;background:#151b17}}
text{fill:var(--ink)}text.head{font-weight:bold;font-size:14px}text.note,text.label{fill:var(--soft)}text.label{font-size:11px}
rect{stroke:var(--line)}rect.each{fill:var(--each)}rect.source{fill:var(--source)}rect.hop{fill:var(--hop);stroke-width:2}
path{fill:none;stroke:var(--line)}path.back{stroke-dasharray:4 3}path.hops{stroke-width:2.5}
marker path{fill:var(--line);stroke:none}
`

// SVG draws a plan as a picture, for light and dark pages: per topology each flow from
// top to bottom, its hops in another colour, and handlers as a box each.
func SVG(p *module.Plan) string {
	c := &canvas{y: margin}
	c.text("head", "module "+p.Module)
	for _, s := range p.Streams {
		kind := "stream"
		if s.Microbatch {
			kind = "microbatch topology"
		}
		c.text("head", kind+" "+s.Name)
		for _, ps := range p.PStates {
			if ps.Topology == s.Name {
				c.text("note", "PState "+ps.Name+": "+ps.String())
			}
		}
		drawn := map[string]bool{}
		for _, f := range s.Flows {
			c.flow(f)
			drawn[f.Source] = true
			for _, n := range f.Nodes {
				drawn[n.Step] = true
			}
		}
		c.handlers(s, drawn)
		c.text("note", "guarantee: "+s.Guarantee())
	}
	return c.svg()
}

// canvas is a picture that grows downward.
type canvas struct {
	out strings.Builder
	w   float64
	y   float64
}

func (c *canvas) text(class, text string) {
	c.y += lineHeight
	if class == "head" {
		c.y += lineHeight / 2
	}
	fmt.Fprintf(&c.out, "<text class=%q x=\"%.0f\" y=\"%.1f\">%s</text>\n", class, margin, c.y, html.EscapeString(text))
	c.w = max(c.w, margin+float64(len(text))*charWidth*1.15)
	c.y += lineHeight / 3
}

// flow draws one flow.
func (c *canvas) flow(f *module.FlowPlan) {
	boxes, edges := flowBoxes(f)
	w, h := arrange(boxes, edges)
	c.y += rowGap / 2
	for _, e := range edges {
		c.edge(boxes, e, w)
	}
	for _, b := range boxes {
		c.box(b)
	}
	c.w = max(c.w, w+margin*2)
	c.y += h + rowGap/2
}

// handlers draws the sources and steps that are handlers, in rows.
func (c *canvas) handlers(s *module.StreamPlan, drawn map[string]bool) {
	const widthMax = 900
	x, h := 0.0, 0.0
	add := func(b *box) {
		if x > 0 && x+b.w > widthMax {
			c.y += h + gap
			x, h = 0, 0
		}
		b.x = x
		c.box(b)
		x += b.w + gap
		h = max(h, b.h)
		c.w = max(c.w, x+margin*2)
	}
	c.y += rowGap / 2
	for _, source := range s.Sources {
		if !drawn[source.Name] {
			lines := []string{"source " + source.Name, source.Depot.Type}
			if m := source.Depot.Mirror; m != nil {
				lines = append(lines, "depot of module "+m.Module)
			}
			add(newBox("source", "source "+source.Name, lines...))
		}
	}
	for _, step := range s.Steps {
		if !drawn[step.Name] {
			add(newBox("hop", "step "+step.Name, "step "+step.Name, step.Type, step.Placement))
		}
	}
	c.y += h + rowGap/2
}

func (c *canvas) box(b *box) {
	x, y := b.x+margin, b.y+c.y
	fmt.Fprintf(&c.out, "<g><title>%s</title><rect class=%q x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"5\"/>", html.EscapeString(b.title), b.kind, x, y, b.w, b.h)
	for i, l := range b.lines {
		class := "note"
		if i == 0 {
			class = "name"
		}
		fmt.Fprintf(&c.out, "<text class=%q x=\"%.1f\" y=\"%.1f\">%s</text>", class, x+padding, y+padding+lineHeight*float64(i)+8, html.EscapeString(l))
	}
	c.out.WriteString("</g>\n")
}

// edge draws a line from the bottom of one box to the top of another; back to a loop it
// goes along the right side.
func (c *canvas) edge(boxes []*box, e edge, width float64) {
	a, b := boxes[e.from], boxes[e.to]
	x1, y1 := a.x+a.w/2+margin, a.y+a.h+c.y
	x2, y2 := b.x+b.w/2+margin, b.y+c.y
	class, lx, ly := "edge", x1*0.3+x2*0.7+5, y2-8
	if a.kind == "hop" {
		class = "hops"
	}
	if e.back {
		x1, y1 = a.x+a.w+margin, a.y+a.h/2+c.y
		x2, y2 = b.x+b.w+margin, b.y+b.h/2+c.y
		side := width + margin + gap
		lx, ly = x1+6, y1-5
		fmt.Fprintf(&c.out, "<path class=\"back\" marker-end=\"url(#tip)\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n", x1, y1, side, y1, side, y2, x2, y2)
		c.w = max(c.w, side+margin)
	} else {
		middle := (y1 + y2) / 2
		fmt.Fprintf(&c.out, "<path class=%q marker-end=\"url(#tip)\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n", class, x1, y1, x1, middle, x2, middle, x2, y2)
	}
	if e.label != "" {
		fmt.Fprintf(&c.out, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", lx, ly, html.EscapeString(cut(e.label)))
	}
}

func (c *canvas) svg() string {
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n<style>%s</style>\n"+
		"<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n%s</svg>\n",
		c.w, c.y+margin, c.w, c.y+margin, style, c.out.String())
}
