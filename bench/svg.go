package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// curve is a quantity against another one that grows.
type curve struct {
	Name   string // of the file, too
	Title  string
	X, Y   string // what the axes show
	LogX   bool
	Lines  []*line
	Reason string // of each knee, where it has figures of the run; others are in reasons
}

// line is one of a curve's.
type line struct {
	Label  string
	Points []point
}

// point is a place of a line, and what is to be told of its rounds.
type point struct {
	X, Y    float64
	Seconds float64 `json:",omitempty"` // that a round took
	// CPU time of an event, in nanoseconds: of the worker's process and of Redis.
	Worker float64 `json:",omitempty"`
	Redis  float64 `json:",omitempty"`
}

// curve adds a curve to the report.
func (r *report) curve(c *curve) *curve {
	r.Curves = append(r.Curves, c)
	return c
}

// add adds a point to the line with a label.
func (c *curve) add(label string, x, y float64) { c.put(label, point{X: x, Y: y}) }

// addPoint adds a point, and tells of its rounds.
func (c *curve) addPoint(label string, x, y float64, p pointed) {
	c.put(label, point{x, y, p.seconds, p.worker, p.redis})
}

func (c *curve) put(label string, p point) {
	for _, l := range c.Lines {
		if l.Label == label {
			l.Points = append(l.Points, p)
			return
		}
	}
	c.Lines = append(c.Lines, &line{label, []point{p}})
}

// costs is a table of the CPU time of events; "" where it is not told.
func (c *curve) costs() string {
	var b strings.Builder
	for _, l := range c.Lines {
		for _, p := range l.Points {
			if p.Worker == 0 || p.Seconds == 0 {
				continue
			}
			if b.Len() == 0 {
				fmt.Fprintf(&b, "| %s | line | %s | CPU of the worker, ns per event | CPU of Redis, ns per event |\n|---:|---|---:|---:|---:|\n", c.X, c.Y)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", short(p.X), l.Label, number(p.Y), strconv.FormatFloat(p.Worker, 'f', 0, 64), strconv.FormatFloat(p.Redis, 'f', 0, 64))
		}
	}
	return b.String()
}

// lengths says how long the rounds of its points took; "" where that is not told.
func (c *curve) lengths() string {
	least, most := math.Inf(1), 0.0
	for _, l := range c.Lines {
		for _, p := range l.Points {
			if p.Seconds > 0 {
				least, most = min(least, p.Seconds), max(most, p.Seconds)
			}
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf("Rounds are of %.1f to %.1f s.", least, most)
}

// The picture's measures, in pixels.
const (
	pictureWide, pictureHigh = 640, 320
	marginLeft, marginRight  = 80, 150
	marginTop, marginBottom  = 36, 48
	plotWide                 = pictureWide - marginLeft - marginRight
	plotHigh                 = pictureHigh - marginTop - marginBottom
)

var colours = []string{"#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b8860b"}

// scale maps values onto pixels.
type scale struct {
	low, high float64
	log       bool
}

func (s scale) at(v, pixels float64) float64 {
	if s.log {
		return pixels * (math.Log(v) - math.Log(s.low)) / (math.Log(s.high) - math.Log(s.low))
	}
	return pixels * (v - s.low) / (s.high - s.low)
}

// write draws the curve as SVG into a folder.
func (c *curve) write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, c.Name+".svg"), []byte(c.svg()), 0o644)
}

func (c *curve) svg() string {
	var b strings.Builder
	x, y := c.scales()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", pictureWide, pictureHigh)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/><text x="%d" y="20" font-size="13">%s</text>`+"\n", pictureWide, pictureHigh, marginLeft, escaped(c.Title))
	c.axes(&b, x, y)
	for i, l := range c.Lines {
		colour := colours[i%len(colours)]
		var points []string
		for _, p := range l.Points {
			px, py := marginLeft+x.at(p.X, plotWide), marginTop+plotHigh-y.at(p.Y, plotHigh)
			points = append(points, fmt.Sprintf("%.1f,%.1f", px, py))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, colour)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", strings.Join(points, " "), colour)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", marginLeft+plotWide+12, marginTop+12+16*i, colour, escaped(l.Label))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// scales span all points; y begins at 0.
func (c *curve) scales() (x, y scale) {
	x, y = scale{math.Inf(1), math.Inf(-1), c.LogX}, scale{0, 0, false}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			x.low, x.high, y.high = min(x.low, p.X), max(x.high, p.X), max(y.high, p.Y)
		}
	}
	if x.low == x.high {
		x.high = x.low + 1
	}
	y.high = rounded(y.high)
	return x, y
}

// rounded is the next number above v that an axis may end at.
func rounded(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8, 10} {
		if v <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}

func (c *curve) axes(b *strings.Builder, x, y scale) {
	for i := range 5 {
		v := y.high * float64(i) / 4
		at := marginTop + plotHigh - y.at(v, plotHigh)
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			marginLeft, marginLeft+plotWide, at, at, marginLeft-6, at+4, short(v))
	}
	for _, v := range c.ticks() {
		at := marginLeft + x.at(v, plotWide)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at, marginTop+plotHigh+16, short(v))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", marginLeft+plotWide/2, pictureHigh-10, escaped(c.X))
	fmt.Fprintf(b, `<text x="14" y="%d" text-anchor="middle" transform="rotate(-90 14 %d)">%s</text>`+"\n", marginTop+plotHigh/2, marginTop+plotHigh/2, escaped(c.Y))
}

// ticks are the measured places on the x axis.
func (c *curve) ticks() (at []float64) {
	seen := map[float64]bool{}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			if !seen[p.X] {
				seen[p.X] = true
				at = append(at, p.X)
			}
		}
	}
	return at
}

// short writes a number as people do: 1.5M, 20k, 0.5.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
