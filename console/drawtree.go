package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/coppice-run/coppice/eventtree"
)

// Measures of the rail beside the events of a tree.
const (
	laneWidth  = 18.0
	laneHeight = 34.0
)

// drawLane draws where an event hangs in its tree: as many steps to the right as it has
// events above it.
func drawLane(t eventtree.Tree, n int) template.HTML {
	depth := depthOf(&t, n)
	x := 9 + laneWidth*float64(depth)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="rail" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" aria-hidden="true">`, x+10, laneHeight, x+10, laneHeight)
	if depth > 0 {
		fmt.Fprintf(&out, `<path d="M%.0f 0V%.0fH%.0f"/>`, x-laneWidth, laneHeight/2, x)
	}
	fmt.Fprintf(&out, `<circle cx="%.0f" cy="%.0f" r="4.5"/></svg>`, x, laneHeight/2)
	return template.HTML(out.String())
}

// depthOf counts the events above one, as far as they are known.
func depthOf(t *eventtree.Tree, n int) int {
	parents := map[eventtree.ID]eventtree.ID{}
	for _, e := range t.Events {
		if e.Parent != 0 {
			parents[e.ID] = e.Parent
		}
	}
	depth := 0
	for id := t.Events[n].ID; parents[id] != 0 && depth < len(t.Events); depth++ {
		id = parents[id]
	}
	if depth == 0 && !t.Events[n].Root {
		depth = 1
	}
	return min(depth, 12)
}

// drawTimeline draws when an event waited, ran and was committed, between the first and the
// last moment of its tree.
func drawTimeline(t eventtree.Tree, n int, now time.Time) template.HTML {
	first, last := bounds(&t, now)
	e := &t.Events[n]
	whole := last.Sub(first).Seconds()
	if whole <= 0 || e.Began.IsZero() && e.Since.IsZero() {
		return ""
	}
	x := func(at time.Time) float64 { return min(100, max(0, 100*at.Sub(first).Seconds()/whole)) }
	var out, words strings.Builder
	piece := func(class string, from, to time.Time) {
		if a, b := x(from), x(to); b >= a {
			fmt.Fprintf(&out, `<rect class="%s" x="%.2f" width="%.2f" y="2" height="8" rx="1"/>`, class, a, max(b-a, .8))
		}
	}
	begin := e.Began
	if begin.IsZero() {
		begin = e.Since
	}
	switch {
	case e.State == eventtree.Ended || e.State == eventtree.Failed:
		if !e.Began.IsZero() && !e.Ran.IsZero() {
			piece("run", e.Began, e.Ran)
			fmt.Fprintf(&words, "ran for %s", span(e.Ran.Sub(e.Began)))
		}
		if !e.Ran.IsZero() && !e.Committed.IsZero() {
			if words.Len() > 0 {
				words.WriteString(", ")
			}
			piece("commit", e.Ran, e.Committed)
			fmt.Fprintf(&words, "committed %s later", span(e.Committed.Sub(e.Ran)))
		}
		if words.Len() == 0 {
			return ""
		}
	default:
		if ran := e.Ran; !ran.IsZero() {
			piece("run", begin, ran)
			begin = ran
		}
		piece("open", begin, now)
		fmt.Fprintf(&words, "%s for %s", e.State, span(now.Sub(begin)))
	}
	text := template.HTMLEscapeString(words.String())
	return template.HTML(fmt.Sprintf(`<svg class="span" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label="%s"><title>%s</title><rect class="wait" y="5.5" width="100" height="1"/>%s</svg><span class="sub">%s</span>`, text, text, out.String(), text))
}

// bounds are the first and last moment that is known of a tree.
func bounds(t *eventtree.Tree, now time.Time) (first, last time.Time) {
	note := func(at time.Time) {
		if at.IsZero() {
			return
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
		last = later(last, at)
	}
	for _, e := range t.Events {
		note(e.Began)
		note(e.Ran)
		note(e.Committed)
		note(e.Since)
	}
	if !t.State.Over() {
		note(now)
	}
	return first, last
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
