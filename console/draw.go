package console

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/coppice-run/coppice/overview"
)

// Measures of a sparkline, which its sheet stretches.
const sparkWidth, sparkHeight = 120.0, 24.0

// spark draws the rate of a course, sparkLag its lag; what it shows is said in words, too.
func spark(course []overview.Point) template.HTML {
	return drawSpark(course, "spark", "Records done per second", func(p overview.Point) float64 { return p.DonePerSecond })
}

func sparkLag(course []overview.Point) template.HTML {
	return drawSpark(course, "spark lag", "Records not done", func(p overview.Point) float64 { return float64(p.Lag) })
}

func drawSpark(course []overview.Point, class, what string, value func(overview.Point) float64) template.HTML {
	if len(course) < 2 {
		return `<span class="faint">gathering…</span>`
	}
	most, sum := 0.0, 0.0
	for _, p := range course {
		most, sum = max(most, value(p)), sum+value(p)
	}
	var line strings.Builder
	for i, p := range course {
		x, y := sparkWidth*float64(i)/float64(len(course)-1), sparkHeight-1
		if most > 0 {
			y = 1 + (sparkHeight-2)*(1-value(p)/most)
		}
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], x, y)
	}
	words := fmt.Sprintf("%s over %s: now %s, at most %s, on average %s", what, span(course[len(course)-1].At.Sub(course[0].At)), rate(value(course[len(course)-1])), rate(most), rate(sum/float64(len(course))))
	return template.HTML(fmt.Sprintf(`<svg class="%s" viewBox="0 0 %.0f %.0f" preserveAspectRatio="none" role="img" aria-label="%s"><title>%s</title><path class="area" d="%sL%.0f %.0fL0 %.0fZ"/><path class="line" d="%s"/></svg>`,
		class, sparkWidth, sparkHeight, words, words, line.String(), sparkWidth, sparkHeight, sparkHeight, line.String()))
}

// behindMin is how many records may lack before a bar says so: some are always under way.
const behindMin = 50

// bar draws how much of a whole is done.
func bar(done, whole int64) template.HTML {
	share, class := 1.0, "fill"
	if whole > 0 {
		share = float64(done) / float64(whole)
	}
	if whole-done > max(behindMin, whole/50) {
		class = "fill behind"
		share = min(share, 0.97) // that something lacks is to be seen
	}
	words := fmt.Sprintf("%s of %s records done", number(done), number(whole))
	return template.HTML(fmt.Sprintf(`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="%s"><title>%s</title><rect class="track" width="100" height="8" rx="2"/><rect class="%s" width="%.1f" height="8" rx="2"/></svg>`,
		words, words, class, 100*max(share, 0)))
}
